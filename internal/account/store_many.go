package account

import (
	"context"
	"fmt"

	"nidan/internal/phrase"
	"nidan/internal/progress"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// AddMany is Add for many new accounts, which have their ids already: what an import
// seals is sealed to them. store.ErrTaken says that one of the addresses is somebody's.
func AddMany(ctx context.Context, tx *store.Tx, keys *secret.Keys, list []Account, by string) error {
	now := store.Micros(tx.Now())
	claims, rows := make([]any, 0, 3*len(list)), make([]any, 0, 20*len(list))
	came := make([]progress.Person, 0, len(list))
	for i := range list {
		a := &list[i]
		a.Email, a.EmailKey, a.Phone, a.Method = Written(a.Email), Key(a.Email), PhoneKey(a.Phone), TOTP
		if a.EmailKey == "" || a.ID == "" {
			return fmt.Errorf("accounts: %w", store.ErrCheck)
		}
		claims = append(claims, a.EmailKey, a.Organization, a.ID)
		rows = append(rows, a.ID, a.Organization, a.Email, a.EmailKey, AddressDigest(keys, a.EmailKey), a.Name, NameKey(a.Name), a.Phone,
			string(a.Authority), string(a.Method), by, now, string(a.Preset), string(a.Language), a.Zone,
			a.JobTitle, a.Mobile, false, now, store.When(a.Imported))
		came = append(came, progress.Person{Organization: a.Organization, Holder: a.ID})
	}
	err := tx.InsertMany(ctx, `insert into address (address_key, organization_id, holder_id) values `, 3, claims)
	if err != nil {
		return fmt.Errorf("addresses: %w", err)
	}
	err = tx.AboutNobody().InsertMany(ctx, `insert into account (id, organization_id, email, email_key, address_digest, name, name_key, phone,
		authority, method, method_by, method_at, preset, language, time_zone, job_title, mobile, network_check, created_at, imported_at) values `, 20, rows)
	if err != nil {
		return fmt.Errorf("accounts: %w", err)
	}
	return progress.Arrive(ctx, tx, came)
}

// ByAddresses finds who signs in with addresses, by their keys. Of operators there is
// the Ref alone.
func ByAddresses(ctx context.Context, r store.Reader, keys []string) (map[string]Account, error) {
	found := map[string]Account{}
	err := store.Among(ctx, r, `select d.address_key, d.organization_id, d.holder_id, coalesce(a.email, ''), coalesce(a.name, ''), coalesce(a.phone, ''),
			coalesce(a.authority, ''), coalesce(a.method, ''), coalesce(a.preset, ''), coalesce(a.language, ''), coalesce(a.time_zone, ''),
			coalesce(a.job_title, ''), coalesce(a.mobile, ''), a.imported_at, a.suspended_at
		from address d left join account a on a.organization_id = d.organization_id and a.id = d.holder_id where d.address_key in `,
		keys, func(rows *store.Rows) error {
			var a Account
			var authority, method, preset, language string
			var imported, suspended store.Instant
			if err := rows.Scan(&a.EmailKey, &a.Organization, &a.ID, &a.Email, &a.Name, &a.Phone, &authority, &method, &preset, &language, &a.Zone,
				&a.JobTitle, &a.Mobile, &imported, &suspended); err != nil {
				return err
			}
			a.Authority, a.Method, a.Preset = Authority(authority), Method(method), Method(preset)
			a.Language, _ = phrase.Parse(language)
			a.Imported, a.Suspended = imported.Time, suspended.Time
			found[a.EmailKey] = a
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("addresses: %w", err)
	}
	return found, nil
}

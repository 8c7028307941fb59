package account

import (
	"context"
	"fmt"

	"nidan/internal/mail"
	"nidan/internal/phrase"
	"nidan/internal/progress"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Claim takes an address for a holder; store.ErrTaken when anybody has it, of
// whatever organization, operators included.
func Claim(ctx context.Context, tx *store.Tx, key string, ref Ref) error {
	if key == "" {
		return fmt.Errorf("address: %w", store.ErrCheck)
	}
	_, err := tx.Exec(ctx, `insert into address (address_key, organization_id, holder_id) values ($1, $2, $3)`,
		key, ref.Organization, ref.ID)
	return err
}

// Holder is who signs in with an address; store.ErrNone when nobody does.
func Holder(ctx context.Context, r store.Reader, key string) (ref Ref, err error) {
	err = r.QueryRow(ctx, `select organization_id, holder_id from address where address_key = $1`, key).
		Scan(&ref.Organization, &ref.ID)
	return ref, err
}

// Add writes a new account under a new id and claims its address. Its method is
// TOTP: no way of adding an account can assign MailOTP.
func Add(ctx context.Context, tx *store.Tx, keys *secret.Keys, a Account, by string) (Account, error) {
	a.ID, a.Email, a.EmailKey, a.Phone, a.Method = secret.ID(), Written(a.Email), Key(a.Email), PhoneKey(a.Phone), TOTP
	if err := Claim(ctx, tx, a.EmailKey, a.Ref); err != nil {
		return Account{}, fmt.Errorf("account %s: %w", a.Email, err)
	}
	_, err := tx.AboutNobody().Exec(ctx, `insert into account (id, organization_id, email, email_key, address_digest, name, name_key, phone,
			authority, method, method_by, method_at, preset, language, time_zone, job_title, mobile, network_check, created_at, imported_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, false, $18, $19)`,
		a.ID, a.Organization, a.Email, a.EmailKey, AddressDigest(keys, a.EmailKey), a.Name, NameKey(a.Name), a.Phone,
		string(a.Authority), string(a.Method), by, store.Micros(tx.Now()), string(a.Preset), string(a.Language), a.Zone,
		a.JobTitle, a.Mobile, store.Micros(tx.Now()), store.When(a.Imported))
	if err != nil {
		return Account{}, fmt.Errorf("account %s: %w", a.Email, err)
	}
	return a, progress.Note(ctx, tx, a.Organization, a.ID, progress.Came, "")
}

// AddressDigest is under what the end of grace is kept: it outlives the account,
// and says nothing without the key.
func AddressDigest(keys *secret.Keys, emailKey string) []byte {
	return keys.Digest(secret.ForAddress, emailKey)
}

// Find reads one account; store.ErrNone when the organization has none of that id.
func Find(ctx context.Context, r store.Reader, ref Ref) (Account, error) {
	a := Account{Ref: ref}
	var authority, method, preset, language string
	var imported, suspended store.Instant
	err := r.QueryRow(ctx, `select email, email_key, name, phone, authority, method, preset, language, time_zone,
			job_title, mobile, imported_at, suspended_at
		from account where organization_id = $1 and id = $2`, ref.Organization, ref.ID).
		Scan(&a.Email, &a.EmailKey, &a.Name, &a.Phone, &authority, &method, &preset, &language, &a.Zone,
			&a.JobTitle, &a.Mobile, &imported, &suspended)
	a.Authority, a.Method, a.Preset = Authority(authority), Method(method), Method(preset)
	a.Language, _ = phrase.Parse(language)
	a.Imported, a.Suspended = imported.Time, suspended.Time
	return a, err
}

// Assign sets the method of an account. Whether the one who does it may is
// Govern's to say, before.
func Assign(ctx context.Context, tx *store.Tx, ref Ref, method Method, by string) error {
	n, err := tx.About(ref.Organization, ref.ID).Exec(ctx, `update account set method = $1, method_by = $2, method_at = $3 where organization_id = $4 and id = $5`,
		string(method), by, store.Micros(tx.Now()), ref.Organization, ref.ID)
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	return err
}

// Suspend closes an account, from its next request on. Reminders that wait for it go nowhere.
func Suspend(ctx context.Context, tx *store.Tx, ref Ref, by string) error {
	n, err := tx.About(ref.Organization, ref.ID).Exec(ctx, `update account set suspended_at = $1, suspended_by = $2
		where organization_id = $3 and id = $4 and suspended_at is null`,
		store.Micros(tx.Now()), by, ref.Organization, ref.ID)
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	if err != nil {
		return err
	}
	if _, err := mail.Cancel(ctx, tx, ref.Organization, ref.ID, mail.Reminder); err != nil {
		return err
	}
	return progress.Note(ctx, tx, ref.Organization, ref.ID, progress.Left, "")
}

// Admins are the Portal Admins of an organization who stand, for notices.
func Admins(ctx context.Context, r store.Reader, organizationID string) ([]Account, error) {
	rows, err := r.Query(ctx, `select id, email, name, language, time_zone from account
		where organization_id = $1 and authority = 'portal_admin' and suspended_at is null order by id`, organizationID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Account
	for rows.Next() {
		a := Account{Ref: Ref{Organization: organizationID}, Authority: PortalAdmin}
		var language string
		if err := rows.Scan(&a.ID, &a.Email, &a.Name, &language, &a.Zone); err != nil {
			return nil, err
		}
		a.Language, _ = phrase.Parse(language)
		list = append(list, a)
	}
	return list, rows.Err()
}

// Abilities are all Portal Admins of an organization with what decides whether they
// are able. Whether they are in grace is the rollout's to say: it is false in all.
func Abilities(ctx context.Context, r store.Reader, organizationID string) ([]Admin, error) {
	rows, err := r.Query(ctx, `select a.id, a.email, a.email_key, a.name, a.language, a.time_zone, a.method, a.suspended_at,
			m.enrolled_at is not null or a.method = 'totp' and t.enrolled_at is not null,
			coalesce(st.stopped_at, 0) > coalesce(pw.reset_at, 0), st.void_at is not null
		from account a
			left join totp t on t.organization_id = a.organization_id and t.holder_id = a.id
			left join mailotp m on m.organization_id = a.organization_id and m.holder_id = a.id
			left join second_step_state st on st.organization_id = a.organization_id and st.holder_id = a.id
			left join password pw on pw.organization_id = a.organization_id and pw.holder_id = a.id
		where a.organization_id = $1 and a.authority = 'portal_admin' order by a.id`, organizationID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Admin
	for rows.Next() {
		a := Admin{Account: Account{Ref: Ref{Organization: organizationID}, Authority: PortalAdmin}}
		var language, method string
		var suspended store.Instant
		if err := rows.Scan(&a.ID, &a.Email, &a.EmailKey, &a.Name, &language, &a.Zone, &method, &suspended,
			&a.Proved, &a.Stopped, &a.Void); err != nil {
			return nil, err
		}
		a.Method, a.Suspended = Method(method), suspended.Time
		a.Language, _ = phrase.Parse(language)
		list = append(list, a)
	}
	return list, rows.Err()
}

package address

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/limit"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Case is an account with the change of its address that is open, or none.
type Case struct {
	account.Account
	OrganizationName string
	Stands           bool // neither the account nor the organization is suspended
	Enrolled         bool // a second verification is proved
	Change           Change
}

const (
	changeColumns = `coalesce(c.id, ''), coalesce(c.email, ''), coalesce(c.email_key, ''), c.asked_at, coalesce(c.asked_by, ''),
		coalesce(c.why, ''), coalesce(c.ticket, ''), c.waits_until, c.sent_at, c.expires_at, c.used_at, c.replaced_at, c.withdrawn_at,
		coalesce(b.name, p.name, c.asked_by, '')`
	askerJoins = `
		left join account b on b.organization_id = c.organization_id and b.id = c.asked_by
		left join operator p on p.id = c.asked_by`
	caseText = `select a.id, a.organization_id, a.email, a.email_key, a.name, a.authority, a.method, a.language, a.time_zone, o.name,
		a.suspended_at is null and o.suspended_at is null, t.enrolled_at is not null or m.enrolled_at is not null, ` + changeColumns
	caseJoins = `
		join organization o on o.id = a.organization_id
		left join totp t on t.organization_id = a.organization_id and t.holder_id = a.id
		left join mailotp m on m.organization_id = a.organization_id and m.holder_id = a.id` + askerJoins
)

// find is an account with its open change; store.ErrNone when that organization has
// none of that id.
func find(ctx context.Context, r store.Reader, ref account.Ref) (Case, error) {
	return scanCase(r.QueryRow(ctx, caseText+` from account a
		left join address_change c on c.organization_id = a.organization_id and c.holder_id = a.id
			and c.used_at is null and c.replaced_at is null and c.withdrawn_at is null`+caseJoins+`
		where a.organization_id = $1 and a.id = $2`, ref.Organization, ref.ID))
}

// byToken finds a change, whatever has become of it, by the token of its link, with
// its account; store.ErrNone for an unknown one. It spends nothing.
func byToken(ctx context.Context, r store.Reader, token string) (Case, error) {
	return scanCase(r.QueryRow(ctx, caseText+` from address_change c
		join account a on a.organization_id = c.organization_id and a.id = c.holder_id`+caseJoins+`
		where c.digest = $1`, secret.Digest(token)))
}

type scanner interface{ Scan(dest ...any) error }

// places are where the columns of a change go, and what makes a Change of them.
func places() (into []any, change func() Change) {
	var c Change
	var ticket string
	var asked, until, sent, expires, used, replaced, withdrawn store.Instant
	into = []any{&c.ID, &c.Email, &c.EmailKey, &asked, &c.AskedBy, &c.Why, &ticket, &until, &sent, &expires, &used, &replaced, &withdrawn, &c.By}
	return into, func() Change {
		c.Ticket, c.Asked, c.Until, c.Sent, c.Expires = act.Ticket(ticket), asked.Time, until.Time, sent.Time, expires.Time
		c.Used, c.Replaced, c.Withdrawn = used.Time, replaced.Time, withdrawn.Time
		return c
	}
}

func scanCase(row scanner) (c Case, err error) {
	var authority, method, language string
	into, change := places()
	err = row.Scan(append([]any{&c.ID, &c.Organization, &c.Email, &c.EmailKey, &c.Name, &authority, &method, &language, &c.Zone,
		&c.OrganizationName, &c.Stands, &c.Enrolled}, into...)...)
	if err != nil {
		return Case{}, err
	}
	c.Authority, c.Method = account.Authority(authority), account.Method(method)
	c.Language, _ = phrase.Parse(language)
	c.Change = change()
	if c.Change.ID != "" {
		c.Change.Ref = c.Ref
	}
	return c, nil
}

// of are the latest changes of an account's address, the newest first.
func of(ctx context.Context, r store.Reader, ref account.Ref, limit int) (list []Change, err error) {
	rows, err := r.Query(ctx, `select `+changeColumns+` from address_change c`+askerJoins+`
		where c.organization_id = $1 and c.holder_id = $2 order by c.id desc limit $3`, ref.Organization, ref.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("address changes: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		into, change := places()
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		one := change()
		one.Ref = ref
		list = append(list, one)
	}
	return list, rows.Err()
}

// insert writes a change; the account's older one is replaced, and its link dead.
func insert(ctx context.Context, tx *store.Tx, c Change) (Change, error) {
	err := tx.Later(ctx, nil, `update address_change set replaced_at = $1
		where organization_id = $2 and holder_id = $3 and used_at is null and replaced_at is null and withdrawn_at is null`,
		store.Micros(tx.Now()), c.Organization, c.Ref.ID)
	if err != nil {
		return Change{}, fmt.Errorf("address change: %w", err)
	}
	c.ID, c.Asked = secret.ID(), tx.Now()
	err = tx.Later(ctx, nil, `insert into address_change (id, organization_id, holder_id, email, email_key, asked_at, asked_by, why, ticket, waits_until)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, c.ID, c.Organization, c.Ref.ID, c.Email, c.EmailKey, store.Micros(c.Asked),
		c.AskedBy, c.Why, string(c.Ticket), store.When(c.Until))
	if err != nil {
		return Change{}, fmt.Errorf("address change: %w", err)
	}
	return c, nil
}

// send gives a change its link: an older one is dead from here on. The token stands
// in the link and nowhere else.
func send(ctx context.Context, tx *store.Tx, c Change) (token string, _ Change, err error) {
	token, c.Sent, c.Expires = secret.Token(), tx.Now(), tx.Now().Add(LinkFor)
	return token, c, one(tx.Exec(ctx, `update address_change set digest = $1, sent_at = $2, expires_at = $3
		where organization_id = $4 and holder_id = $5 and id = $6 and used_at is null and replaced_at is null and withdrawn_at is null`,
		secret.Digest(token), store.Micros(c.Sent), store.Micros(c.Expires), c.Organization, c.Ref.ID, c.ID))
}

// use consumes a link in one conditional write: of many at once one wins, the others
// get store.ErrNone. Nothing else consumes a link.
func use(ctx context.Context, tx *store.Tx, c Change, token string) error {
	return one(tx.Exec(ctx, `update address_change set used_at = $1
		where organization_id = $2 and holder_id = $3 and id = $4 and digest = $5
			and used_at is null and replaced_at is null and withdrawn_at is null and expires_at > $6`,
		store.Micros(tx.Now()), c.Organization, c.Ref.ID, c.ID, secret.Digest(token), store.Micros(tx.Now())))
}

// withdraw ends a change; store.ErrNone when it has ended already.
func withdraw(ctx context.Context, tx *store.Tx, c Change, by string) error {
	return one(tx.Exec(ctx, `update address_change set withdrawn_at = $1, withdrawn_by = $2
		where organization_id = $3 and holder_id = $4 and id = $5 and used_at is null and replaced_at is null and withdrawn_at is null`,
		store.Micros(tx.Now()), by, c.Organization, c.Ref.ID, c.ID))
}

func one(n int64, err error) error {
	if err == nil && n == 0 {
		return store.ErrNone
	}
	if err != nil {
		return fmt.Errorf("address change: %w", err)
	}
	return nil
}

// taken says whether anybody signs in with an address, operators included.
func taken(ctx context.Context, r store.Reader, key string) (bool, error) {
	_, err := account.Holder(ctx, r, key)
	if errors.Is(err, store.ErrNone) {
		return false, nil
	}
	return err == nil, err
}

// waste asks the database for nothing, so that an address that somebody has takes as
// many statements as one that is free. By the key: without it all changes were gone
// through, and the time told.
func waste(ctx context.Context, tx *store.Tx) error {
	return tx.Later(ctx, nil, `update address_change set sent_at = sent_at where id = '' and organization_id = '' and holder_id = ''`)
}

// Remove forgets the changes of the address of a holder who is deleted, with the
// addresses in them, and how many letters were asked for.
func Remove(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	err := tx.Later(ctx, nil, `delete from address_change where organization_id = $1 and holder_id = $2`, ref.Organization, ref.ID)
	if err != nil {
		return fmt.Errorf("address changes: %w", err)
	}
	return limit.Clear(ctx, tx, asking(ref).Name)
}

// kept is how long a change is remembered, with the addresses in it.
const kept = 90 * 24 * time.Hour

// Forget removes changes that were asked for more than 90 days ago.
func Forget(ctx context.Context, tx *store.Tx) (int64, error) {
	return tx.Exec(ctx, `delete from address_change where asked_at < $1`, store.Micros(tx.Now().Add(-kept)))
}

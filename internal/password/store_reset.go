package password

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
)

// An owner is read along with the row h that names one: an address, or a reset.
const (
	ownerColumns = `coalesce(a.organization_id, ''), coalesce(a.id, ''), coalesce(a.email, ''), coalesce(a.email_key, ''),
		coalesce(a.name, ''), coalesce(a.phone, ''), coalesce(a.authority, ''), coalesce(a.method, ''),
		coalesce(a.language, ''), coalesce(a.time_zone, ''), coalesce(o.name, ''),
		a.id is not null and a.suspended_at is null and o.id is not null and o.suspended_at is null,
		p.hash is not null, t.enrolled_at is not null, m.enrolled_at is not null`
	ownerJoins = `
		left join account a on a.organization_id = h.organization_id and a.id = h.holder_id
		left join organization o on o.id = h.organization_id
		left join password p on p.organization_id = h.organization_id and p.holder_id = h.holder_id
		left join totp t on t.organization_id = h.organization_id and t.holder_id = h.holder_id
		left join mailotp m on m.organization_id = h.organization_id and m.holder_id = h.holder_id`
)

// ownerScan are the places for ownerColumns, and what turns them into an Owner.
func ownerScan() (places []any, owner func() Owner) {
	var o Owner
	var authority, method, language string
	places = []any{&o.Organization, &o.ID, &o.Email, &o.EmailKey, &o.Name, &o.Phone, &authority, &method,
		&language, &o.Zone, &o.OrganizationName, &o.Standing, &o.Has, &o.TOTP, &o.MailOTP}
	return places, func() Owner {
		o.Authority, o.Method = account.Authority(authority), account.Method(method)
		o.Language, _ = phrase.Parse(language)
		return o
	}
}

// sought reads the owner of an address in one statement: nobody has the zero
// Owner, and so has an operator.
func sought(ctx context.Context, r store.Reader, emailKey string) (Owner, error) {
	places, owner := ownerScan()
	err := r.QueryRow(ctx, `select `+ownerColumns+`
		from (select 1 as one) q left join address h on h.address_key = $1`+ownerJoins, emailKey).Scan(places...)
	if err != nil {
		return Owner{}, fmt.Errorf("password reset: %w", err)
	}
	return owner(), nil
}

// ask makes a new link; an older one not yet used is dead from here on. A password
// that already waits is not touched: whoever asks has proved nothing yet.
func ask(ctx context.Context, tx *store.Tx, ref account.Ref) (token string, expires time.Time, err error) {
	err = tx.About(ref.Organization, ref.ID).Later(ctx, nil, `update password_reset set replaced_at = $1
		where organization_id = $2 and holder_id = $3 and used_at is null and replaced_at is null`,
		store.Micros(tx.Now()), ref.Organization, ref.ID)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("password reset: %w", err)
	}
	token, expires = secret.Token(), tx.Now().Add(linkFor)
	err = tx.About(ref.Organization, ref.ID).Later(ctx, nil, `insert into password_reset (id, digest, organization_id, holder_id, created_at, expires_at, needs_approval)
		values ($1, $2, $3, $4, $5, $6, true)`,
		secret.ID(), secret.Digest(token), ref.Organization, ref.ID, store.Micros(tx.Now()), store.Micros(expires))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("password reset: %w", err)
	}
	return token, expires, nil
}

// nobody is whom waste is about: there is no such organization and no such holder, but
// the other nodes hear of them as of anybody.
const nobody = "nobody"

// waste asks the database n times for nothing, so that who gets no letter takes as
// many statements as who does.
func waste(ctx context.Context, tx *store.Tx, n int) error {
	for range n {
		err := tx.About(nobody, nobody).Later(ctx, nil, `update password_reset set replaced_at = $1
			where organization_id = $2 and holder_id = $3 and used_at is null and replaced_at is null`, store.Micros(tx.Now()), nobody, nobody)
		if err != nil {
			return fmt.Errorf("password reset: %w", err)
		}
	}
	return nil
}

// byToken finds a link with its owner; store.ErrNone for an unknown one. It spends nothing.
func byToken(ctx context.Context, r store.Reader, token string) (l Link, o Owner, err error) {
	var expires, used, replaced, refused, finished, waits, approved store.Instant
	places, owner := ownerScan()
	places = append([]any{&l.ID, &expires, &used, &replaced, &refused, &finished, &waits, &l.Aside.NeedsApproval, &approved}, places...)
	err = r.QueryRow(ctx, `select h.id, h.expires_at, h.used_at, h.replaced_at, h.refused_at, h.finished_at,
			h.waits_until, h.needs_approval, h.approved_at, `+ownerColumns+`
		from password_reset h`+ownerJoins+` where h.digest = $1`, secret.Digest(token)).Scan(places...)
	if err != nil {
		return Link{}, Owner{}, err
	}
	o = owner()
	l.Expires, l.Used, l.Replaced, l.Refused, l.Finished = expires.Time, used.Time, replaced.Time, refused.Time, finished.Time
	if !waits.IsZero() {
		l.Aside = Aside{ID: l.ID, Set: used.Time, WaitsUntil: waits.Time, Approved: approved.Time, Refused: refused.Time,
			Replaced: replaced.Time, NeedsApproval: l.Aside.NeedsApproval || o.Authority == account.PortalAdmin}
	}
	return l, o, nil
}

// use consumes a link in one conditional write, so that of many at once one wins;
// the others get store.ErrNone. Nothing else consumes a link. The holder's other
// resets, one that waits among them, are replaced before it: at most one waits.
// An error, ErrNone too, must end the transaction.
func use(ctx context.Context, tx *store.Tx, keys *secret.Keys, ref account.Ref, id, hash string, e Effect) error {
	var aside any
	if e.Aside {
		aside = keys.Seal(secret.ForReset, id, []byte(hash))
	}
	now := store.Micros(tx.Now())
	err := tx.About(ref.Organization, ref.ID).Later(ctx, nil, `update password_reset set replaced_at = $1, aside = null
		where organization_id = $2 and holder_id = $3 and id <> $4
			and finished_at is null and refused_at is null and replaced_at is null`,
		now, ref.Organization, ref.ID, id)
	if err != nil {
		return fmt.Errorf("password reset: %w", err)
	}
	n, err := tx.About(ref.Organization, ref.ID).Exec(ctx, `update password_reset set used_at = $1, aside = $2, waits_until = $3, needs_approval = $4
		where organization_id = $5 and holder_id = $6 and id = $7
			and used_at is null and replaced_at is null and refused_at is null and finished_at is null and expires_at > $8`,
		now, aside, store.When(e.WaitsUntil), e.NeedsApproval, ref.Organization, ref.ID, id, now)
	if err == nil && n == 0 {
		return store.ErrNone
	}
	if err != nil {
		return fmt.Errorf("password reset: %w", err)
	}
	return nil
}

// State is what pages say about a holder's password.
type State struct {
	Enrolled bool // a second step follows it
	Aside    Aside
}

// Read reads it in one statement. The Aside is the one that waits or counts since
// without having been typed yet; its ID is empty when there is none.
func Read(ctx context.Context, r store.Reader, ref account.Ref) (s State, err error) {
	var set, waits, approved store.Instant
	err = r.QueryRow(ctx, `select t.enrolled_at is not null or m.enrolled_at is not null,
			coalesce(h.id, ''), h.used_at, h.waits_until,
			coalesce(h.needs_approval, true) or coalesce(a.authority, '') = 'portal_admin', h.approved_at
		from (select 1 as one) q
			left join account a on a.organization_id = $1 and a.id = $2
			left join totp t on t.organization_id = $3 and t.holder_id = $4
			left join mailotp m on m.organization_id = $5 and m.holder_id = $6
			left join password_reset h on h.organization_id = $7 and h.holder_id = $8
				and h.aside is not null and h.finished_at is null and h.refused_at is null and h.replaced_at is null`,
		ref.Organization, ref.ID, ref.Organization, ref.ID, ref.Organization, ref.ID, ref.Organization, ref.ID).
		Scan(&s.Enrolled, &s.Aside.ID, &set, &waits, &s.Aside.NeedsApproval, &approved)
	if err != nil {
		return State{}, fmt.Errorf("password: %w", err)
	}
	s.Aside.Set, s.Aside.WaitsUntil, s.Aside.Approved = set.Time, waits.Time, approved.Time
	return s, nil
}

// Refuse ends a password that waits, and every open link of the holder with it;
// store.ErrNone when nothing waits (any more).
func Refuse(ctx context.Context, tx *store.Tx, ref account.Ref, by string) error {
	state, err := Read(ctx, tx, ref)
	if err != nil {
		return err
	}
	if !state.Aside.Waits(tx.Now()) {
		return store.ErrNone
	}
	return refuse(ctx, tx, ref, by)
}

// ErrMeanwhile says that what Lookup answered no longer counts: the password kept
// aside was refused or replaced since, or took effect at another sign-in.
var ErrMeanwhile = errors.New("password: it changed meanwhile")

// TakeEffect makes a password that was kept aside (Kept.ResetID) the holder's only
// one. A sign-in calls it in its transaction, after the password was right and
// before the session begins: all sessions that the old password opened end.
func TakeEffect(ctx context.Context, tx *store.Tx, keys *secret.Keys, ref account.Ref, kept Kept, network string) error {
	n, err := tx.About(ref.Organization, ref.ID).Exec(ctx, `update password_reset set finished_at = $1, aside = null
		where organization_id = $2 and holder_id = $3 and id = $4
			and finished_at is null and refused_at is null and replaced_at is null`,
		store.Micros(tx.Now()), ref.Organization, ref.ID, kept.ResetID)
	if err != nil {
		return fmt.Errorf("password kept aside: %w", err)
	}
	if n == 0 {
		return ErrMeanwhile
	}
	if err := Set(ctx, tx, ref, kept.Hash, Reset); err != nil {
		return err
	}
	if _, err := session.EndAll(ctx, tx, ref, "", "password reset"); err != nil {
		return fmt.Errorf("password kept aside: %w", err)
	}
	return audit.Record(ctx, tx, keys, audit.Entry{Chain: ref.Organization, Act: "account:password:reset",
		Actor: audit.Actor{Kind: audit.KindAccount, ID: ref.ID}, Subject: ref.ID, Network: network,
		Detail: map[string]string{"kept aside": "yes"}})
}

// Forget removes resets that are over: nothing of them waits, and their links are
// long dead.
func Forget(ctx context.Context, tx *store.Tx) (int64, error) {
	return tx.Exec(ctx, `delete from password_reset where aside is null and created_at < $1`,
		store.Micros(tx.Now().Add(-48*time.Hour)))
}

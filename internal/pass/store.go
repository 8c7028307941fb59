package pass

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Given is by whom, why and against which ticket a pass was given.
type Given struct {
	By, Why string
	Ticket  act.Ticket
}

// Give writes a new pass; the holder's older one is replaced. The token stands in
// the link and nowhere else.
func Give(ctx context.Context, tx *store.Tx, ref account.Ref, kind Kind, given Given) (token string, p Pass, err error) {
	token = secret.Token()
	p, err = insert(ctx, tx, ref, kind, given, secret.ID(), token, nil)
	return token, p, err
}

// GiveByHand is Give for a pass that is handed over in person: it opens by the code
// alone, which is bound to the account and stands in no link and no mail.
func GiveByHand(ctx context.Context, tx *store.Tx, keys *secret.Keys, ref account.Ref, given Given) (code string, p Pass, err error) {
	code = secret.Base32(Characters)
	id := secret.ID()
	p, err = insert(ctx, tx, ref, Latecomer, given, id, secret.Token(), codeDigest(keys, ref, id, code))
	return code, p, err
}

// codeDigest binds a code to its account and pass, with the key.
func codeDigest(keys *secret.Keys, ref account.Ref, id, code string) []byte {
	return keys.Digest(secret.ForPass, ref.Organization, ref.ID, id, code)
}

// isCode says whether a digest is that of a code: also of one handed over before
// another key came to seal.
func isCode(keys *secret.Keys, kept []byte, ref account.Ref, id, code string) bool {
	return secret.EqualAny(kept, keys.Digests(secret.ForPass, ref.Organization, ref.ID, id, code))
}

// insert replaces the holder's older pass by a new one.
func insert(ctx context.Context, tx *store.Tx, ref account.Ref, kind Kind, given Given, id, token string, code []byte) (Pass, error) {
	err := tx.About(ref.Organization, ref.ID).Later(ctx, nil, `update pass set replaced_at = $1
		where organization_id = $2 and holder_id = $3 and spent_at is null and withdrawn_at is null and replaced_at is null`,
		store.Micros(tx.Now()), ref.Organization, ref.ID)
	if err != nil {
		return Pass{}, fmt.Errorf("pass: %w", err)
	}
	p := Pass{ID: id, Kind: kind, Expires: tx.Now().Add(kind.Valid())}
	err = tx.AboutNobody().Later(ctx, nil, `insert into pass (id, organization_id, holder_id, kind, digest, code_digest, tries, given_by, why, ticket, created_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10, $11)`,
		p.ID, ref.Organization, ref.ID, string(kind), secret.Digest(token), code, given.By, given.Why, string(given.Ticket),
		store.Micros(tx.Now()), store.Micros(p.Expires))
	if err != nil {
		return Pass{}, fmt.Errorf("pass: %w", err)
	}
	return p, nil
}

// ByToken finds a pass by the token of its link; store.ErrNone for an unknown one.
// It spends nothing.
func ByToken(ctx context.Context, r store.Reader, token string) (ref account.Ref, p Pass, err error) {
	var kind string
	var expires, spent, withdrawn, replaced store.Instant
	err = r.QueryRow(ctx, `select id, organization_id, holder_id, kind, expires_at, spent_at, withdrawn_at, replaced_at
		from pass where digest = $1`, secret.Digest(token)).
		Scan(&p.ID, &ref.Organization, &ref.ID, &kind, &expires, &spent, &withdrawn, &replaced)
	p.Kind, p.Expires, p.Spent, p.Withdrawn, p.Replaced = Kind(kind), expires.Time, spent.Time, withdrawn.Time, replaced.Time
	return ref, p, err
}

// Open says whether a holder has a pass that can still be used at now.
func Open(ctx context.Context, r store.Reader, ref account.Ref, now time.Time) (open bool, err error) {
	err = r.QueryRow(ctx, `select exists (select 1 from pass where organization_id = $1 and holder_id = $2
		and spent_at is null and withdrawn_at is null and replaced_at is null and expires_at > $3)`,
		ref.Organization, ref.ID, store.Micros(now)).Scan(&open)
	return open, err
}

// handed is the pass a holder has now, and what is known of its code.
type handed struct {
	Pass
	digest []byte // nil: it opens by its link alone
	tries  int
}

// current is the pass of a holder that nothing has ended; store.ErrNone without one.
func current(ctx context.Context, r store.Reader, ref account.Ref) (h handed, err error) {
	var kind string
	var expires store.Instant
	err = r.QueryRow(ctx, `select id, kind, expires_at, code_digest, tries from pass
		where organization_id = $1 and holder_id = $2 and spent_at is null and withdrawn_at is null and replaced_at is null`,
		ref.Organization, ref.ID).Scan(&h.ID, &kind, &expires, &h.digest, &h.tries)
	h.Kind, h.Expires = Kind(kind), expires.Time
	return h, err
}

// miss counts a wrong code of a pass and answers how many there were; store.ErrNone
// when it had been tried often enough before.
func miss(ctx context.Context, tx *store.Tx, ref account.Ref, id string) (n int, err error) {
	err = tx.About(ref.Organization, ref.ID).QueryRow(ctx, `update pass set tries = tries + 1
		where organization_id = $1 and holder_id = $2 and id = $3 and tries < $4 returning tries`,
		ref.Organization, ref.ID, id, Tries).Scan(&n)
	return n, err
}

// Spend consumes a pass in one conditional write: of many at once one wins, the
// others get store.ErrNone. Nothing else consumes a pass.
func Spend(ctx context.Context, tx *store.Tx, ref account.Ref, id string) error {
	n, err := tx.About(ref.Organization, ref.ID).Exec(ctx, `update pass set spent_at = $1
		where organization_id = $2 and holder_id = $3 and id = $4
			and spent_at is null and withdrawn_at is null and replaced_at is null and expires_at > $5`,
		store.Micros(tx.Now()), ref.Organization, ref.ID, id, store.Micros(tx.Now()))
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	return err
}

// Withdraw ends every open pass and guide of a holder: any enrollment does this.
func Withdraw(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	return tx.About(ref.Organization, ref.ID).Later(ctx, nil, `update pass set withdrawn_at = $1
		where organization_id = $2 and holder_id = $3 and spent_at is null and withdrawn_at is null and replaced_at is null`,
		store.Micros(tx.Now()), ref.Organization, ref.ID)
}

// WithdrawGiven ends every open pass of an organization that was given by one and
// the same, whoever has it, and tells nobody; see Desk.WithdrawGiven.
func WithdrawGiven(ctx context.Context, tx *store.Tx, organization, by string) error {
	return tx.About(organization, "").Later(ctx, nil, `update pass set withdrawn_at = $1
		where organization_id = $2 and given_by = $3 and spent_at is null and withdrawn_at is null and replaced_at is null`,
		store.Micros(tx.Now()), organization, by)
}

// opening are the passes and guides of an organization that still open something and
// were given by one and the same, each with its holder.
func opening(ctx context.Context, r store.Reader, organization, by string, now time.Time) (list []held, _ error) {
	rows, err := r.Query(ctx, `select p.id, p.kind, a.id, a.name, a.email, a.language, a.time_zone
		from pass p join account a on a.organization_id = p.organization_id and a.id = p.holder_id
		where p.organization_id = $1 and p.given_by = $2 and p.spent_at is null and p.withdrawn_at is null and p.replaced_at is null
			and p.expires_at > $3 order by p.id`, organization, by, store.Micros(now))
	if err != nil {
		return nil, fmt.Errorf("given passes: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		h := held{to: account.Account{Ref: account.Ref{Organization: organization}}}
		var kind, language string
		if err := rows.Scan(&h.id, &kind, &h.to.ID, &h.to.Name, &h.to.Email, &language, &h.to.Zone); err != nil {
			return nil, err
		}
		h.kind = Kind(kind)
		h.to.Language, _ = phrase.Parse(language)
		list = append(list, h)
	}
	return list, rows.Err()
}

// Record is one pass as lists show it.
type Record struct {
	Pass
	account.Ref
	Given
	Holder  string // name
	Giver   string // name, or what By says where it names nobody
	Created time.Time
	ByHand  bool
	Tries   int
}

const recordText = `select p.id, p.organization_id, p.holder_id, p.kind, p.expires_at, p.spent_at, p.withdrawn_at, p.replaced_at,
		p.given_by, p.why, p.ticket, p.created_at, p.code_digest is not null, p.tries, coalesce(h.name, ''), coalesce(a.name, o.name, p.given_by)
	from pass p
		left join account h on h.organization_id = p.organization_id and h.id = p.holder_id
		left join account a on a.organization_id = p.organization_id and a.id = p.given_by
		left join operator o on o.id = p.given_by`

// Of are the latest passes of a holder, the newest first.
func Of(ctx context.Context, r store.Reader, ref account.Ref, limit int) ([]Record, error) {
	return records(r.Query(ctx, recordText+`
		where p.organization_id = $1 and p.holder_id = $2 and p.kind = 'pass' order by p.id desc limit $3`,
		ref.Organization, ref.ID, limit))
}

func records(rows *store.Rows, err error) (list []Record, _ error) {
	if err != nil {
		return nil, fmt.Errorf("pass: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p Record
		var kind, ticket string
		var expires, spent, withdrawn, replaced, created store.Instant
		err := rows.Scan(&p.Pass.ID, &p.Organization, &p.Ref.ID, &kind, &expires, &spent, &withdrawn, &replaced,
			&p.By, &p.Why, &ticket, &created, &p.ByHand, &p.Tries, &p.Holder, &p.Giver)
		if err != nil {
			return nil, err
		}
		p.Kind, p.Ticket, p.Created = Kind(kind), act.Ticket(ticket), created.Time
		p.Expires, p.Spent, p.Withdrawn, p.Replaced = expires.Time, spent.Time, withdrawn.Time, replaced.Time
		list = append(list, p)
	}
	return list, rows.Err()
}

package notice

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/store"
)

const columns = `n.id, n.organization_id, n.authority, n.title_en, n.title_ja, n.text_en, n.text_ja, n.shows_from, n.shows_until,
	n.at_signin, n.by_mail, n.published_at, n.published_by, n.changed_at, n.withdrawn_at, n.after_organization, n.after_holder, n.mailed, n.mailed_at`

type scanner interface{ Scan(dest ...any) error }

func scan(row scanner, more ...any) (n Notice, err error) {
	var authority string
	var from, until, published, changed, withdrawn, mailed store.Instant
	err = row.Scan(append([]any{&n.ID, &n.Organization, &authority, &n.English.Title, &n.Japanese.Title, &n.English.Body, &n.Japanese.Body,
		&from, &until, &n.AtSignin, &n.ByMail, &published, &n.By, &changed, &withdrawn, &n.after.Organization, &n.after.ID, &n.Mailed, &mailed}, more...)...)
	n.Audience.Authority = account.Authority(authority)
	n.From, n.Until, n.Published, n.Changed, n.Withdrawn, n.MailedAt = from.Time, until.Time, published.Time, changed.Time, withdrawn.Time, mailed.Time
	return n, err
}

// upcoming are those of every audience that show now or later.
func upcoming(ctx context.Context, r store.Reader, now time.Time) (list []Notice, err error) {
	rows, err := r.Query(ctx, `select `+columns+` from notice n
		where n.withdrawn_at is null and (n.shows_until is null or n.shows_until > $1) order by n.shows_from, n.id`, store.Micros(now))
	if err != nil {
		return nil, fmt.Errorf("notices: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		n, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, rows.Err()
}

// Counted is a notice with how many have opened it, as operators list it.
type Counted struct {
	Notice
	Name  string // of the organization it is for; empty: of none
	Who   string // who published it, by name
	Reads int64
}

// All are the notices that were published before one (empty: the latest), newest
// first, at most limit of them.
func All(ctx context.Context, r store.Reader, before string, limit int) (list []Counted, err error) {
	rows, err := r.Query(ctx, `select `+columns+`, coalesce(o.name, ''), coalesce(w.name, n.published_by),
			(select count(*) from notice_read x where x.notice_id = n.id)
		from notice n left join organization o on o.id = n.organization_id left join operator w on w.id = n.published_by
		where $1 = '' or n.id < $2 order by n.id desc limit $3`, before, before, limit)
	if err != nil {
		return nil, fmt.Errorf("notices: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		c, err := counted(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

func counted(row scanner) (c Counted, err error) {
	c.Notice, err = scan(row, &c.Name, &c.Who, &c.Reads)
	return c, err
}

// Find reads one notice; store.ErrNone when there is none of that id.
func Find(ctx context.Context, r store.Reader, id string) (Counted, error) {
	return counted(r.QueryRow(ctx, `select `+columns+`, coalesce(o.name, ''), coalesce(w.name, n.published_by),
			(select count(*) from notice_read x where x.notice_id = n.id)
		from notice n left join organization o on o.id = n.organization_id left join operator w on w.id = n.published_by
		where n.id = $1`, id))
}

// insert writes a new notice.
func insert(ctx context.Context, tx *store.Tx, n Notice, by string) (Notice, error) {
	n.Published, n.By = tx.Now(), by
	if n.ID == "" {
		n.ID = secret.ID()
	}
	_, err := tx.Exec(ctx, `insert into notice (id, organization_id, authority, title_en, title_ja, text_en, text_ja, shows_from, shows_until,
			at_signin, by_mail, published_at, published_by, after_organization, after_holder, mailed)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '', '', 0)`,
		n.ID, n.Organization, string(n.Audience.Authority), n.English.Title, n.Japanese.Title, n.English.Body, n.Japanese.Body,
		store.Micros(n.From), store.When(n.Until), n.AtSignin, n.ByMail, store.Micros(n.Published), by)
	if err != nil {
		return Notice{}, fmt.Errorf("notice: %w", err)
	}
	return n, nil
}

// rewrite changes the words and instants of a notice that was not withdrawn. Whom
// it is for stays: somebody may have read it. store.ErrNone when it was withdrawn.
func rewrite(ctx context.Context, tx *store.Tx, n Notice, by string) error {
	return one(tx.Exec(ctx, `update notice set title_en = $1, title_ja = $2, text_en = $3, text_ja = $4, shows_from = $5, shows_until = $6,
			at_signin = $7, by_mail = $8, changed_at = $9, changed_by = $10
		where organization_id = $11 and id = $12 and withdrawn_at is null`,
		n.English.Title, n.Japanese.Title, n.English.Body, n.Japanese.Body, store.Micros(n.From), store.When(n.Until),
		n.AtSignin, n.ByMail, store.Micros(tx.Now()), by, n.Organization, n.ID))
}

// withdraw ends a notice; store.ErrNone when it was.
func withdraw(ctx context.Context, tx *store.Tx, n Notice, by string) error {
	return one(tx.Exec(ctx, `update notice set withdrawn_at = $1, withdrawn_by = $2
		where organization_id = $3 and id = $4 and withdrawn_at is null`, store.Micros(tx.Now()), by, n.Organization, n.ID))
}

func one(n int64, err error) error {
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	return err
}

// read writes down that somebody has opened a notice, the first time.
func read(ctx context.Context, tx *store.Tx, id string, ref account.Ref) error {
	_, err := tx.Exec(ctx, `insert into notice_read (notice_id, organization_id, holder_id, read_at) values ($1, $2, $3, $4)
		on conflict (notice_id, organization_id, holder_id) do nothing`, id, ref.Organization, ref.ID, store.Micros(tx.Now()))
	return err
}

// Remove forgets what a holder who is deleted has read.
func Remove(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	// By the whole key: without the notices everybody's marks were gone through.
	_, err := tx.Exec(ctx, `delete from notice_read where notice_id in (select id from notice) and organization_id = $1 and holder_id = $2`, ref.Organization, ref.ID)
	return err
}

// addressee is somebody a notice is mailed to.
type addressee struct {
	account.Ref
	Name, Email, Zone string
	Language          phrase.Lang
}

// addressees are the next of those whom a notice is for, after the last who was
// written to. Whoever is suspended is left out, and an address that mail does not reach.
func addressees(ctx context.Context, r store.Reader, n Notice, limit int) (list []addressee, err error) {
	rows, err := r.Query(ctx, `select a.organization_id, a.id, a.name, a.email, a.language, a.time_zone
		from account a join organization o on o.id = a.organization_id and o.suspended_at is null
			left join undeliverable u on u.organization_id = a.organization_id and u.holder_id = a.id and u.recipient = a.email
		where (a.organization_id, a.id) > ($1, $2) and ($3 = '' or a.organization_id = $4) and ($5 = '' or a.authority = $6)
			and a.suspended_at is null and u.since_at is null
		order by a.organization_id, a.id limit $7`,
		n.after.Organization, n.after.ID, n.Organization, n.Organization, string(n.Audience.Authority), string(n.Audience.Authority), limit)
	if err != nil {
		return nil, fmt.Errorf("notice: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var a addressee
		var language string
		if err := rows.Scan(&a.Organization, &a.ID, &a.Name, &a.Email, &language, &a.Zone); err != nil {
			return nil, err
		}
		a.Language, _ = phrase.Parse(language)
		list = append(list, a)
	}
	return list, rows.Err()
}

// advance moves a mailing on from where this node saw it; false when another node
// was faster, or the notice was withdrawn meanwhile.
func advance(ctx context.Context, tx *store.Tx, n Notice, to account.Ref, letters int, last bool) (bool, error) {
	finished := time.Time{}
	if last {
		finished = tx.Now()
	}
	moved, err := tx.Exec(ctx, `update notice set after_organization = $1, after_holder = $2, mailed = mailed + $3, mailed_at = $4
		where organization_id = $5 and id = $6 and after_organization = $7 and after_holder = $8 and mailed_at is null and withdrawn_at is null`,
		to.Organization, to.ID, letters, store.When(finished), n.Organization, n.ID, n.after.Organization, n.after.ID)
	return moved == 1, err
}

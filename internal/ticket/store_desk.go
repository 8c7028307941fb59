package ticket

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/store"
)

// Template is an answer that operators begin with, in both languages.
type Template struct {
	ID, Title         string
	English, Japanese string
}

// templates are all there are, by title.
func templates(ctx context.Context, r store.Reader) (list []Template, err error) {
	rows, err := r.Query(ctx, `select id, title, text_en, text_ja from answer_template order by title, id`)
	if err != nil {
		return nil, fmt.Errorf("answer templates: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var t Template
		if err := rows.Scan(&t.ID, &t.Title, &t.English, &t.Japanese); err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

// saveTemplate keeps a template, a new one or in place of what it was; false when it was
// the same already.
func saveTemplate(ctx context.Context, tx *store.Tx, t Template, by string) (bool, error) {
	n, err := tx.Exec(ctx, `insert into answer_template (id, title, text_en, text_ja, saved_at, saved_by) values ($1, $2, $3, $4, $5, $6)
		on conflict (id) do update set title = excluded.title, text_en = excluded.text_en, text_ja = excluded.text_ja,
			saved_at = excluded.saved_at, saved_by = excluded.saved_by
		where answer_template.title <> excluded.title or answer_template.text_en <> excluded.text_en or answer_template.text_ja <> excluded.text_ja`, t.ID, t.Title, t.English, t.Japanese, store.Micros(tx.Now()), by)
	return n > 0, err
}

// dropTemplate deletes a template; store.ErrNone when it is gone already.
func dropTemplate(ctx context.Context, tx *store.Tx, id string) error {
	n, err := tx.Exec(ctx, `delete from answer_template where id = $1`, id)
	if err == nil && n == 0 {
		err = store.ErrNone
	}
	return err
}

// Count is what happened on a day, of one category.
type Count struct {
	Day      int64 // such as 20180305, in the house zone
	Category string
	What     string // opened, answered, closed
	N        int64
	Took     time.Duration // business time to the first answer, of all that were answered
}

// counts are what happened since a day, by day and category, each by its own index.
func counts(ctx context.Context, r store.Reader, since int64) (list []Count, err error) {
	rows, err := r.Query(ctx, `select 'opened', opened_day, category, count(*), cast(0 as bigint) from ticket where opened_day >= $1 group by opened_day, category
		union all
		select 'answered', answered_day, category, count(*), cast(sum(answer_took) as bigint) from ticket where answered_day >= $2 group by answered_day, category
		union all
		select 'closed', closed_day, category, count(*), cast(0 as bigint) from ticket where closed_day >= $3 group by closed_day, category
		order by 2, 1, 3`, since, since, since)
	if err != nil {
		return nil, fmt.Errorf("ticket figures: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c Count
		var took int64
		if err := rows.Scan(&c.What, &c.Day, &c.Category, &c.N, &took); err != nil {
			return nil, err
		}
		c.Took = time.Duration(took) * time.Microsecond
		list = append(list, c)
	}
	return list, rows.Err()
}

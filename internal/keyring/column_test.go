package keyring

import (
	"context"
	"fmt"
	"testing"

	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// letters is a column to try it on: the mails of a demo, which hang on nothing.
var letters = Column{
	Name: "demo_mail.body", Purpose: secret.ForMail, First: []any{""}, Batch: 2,
	Row:   func(key []any) string { return key[0].(string) },
	Next:  `select id, body from demo_mail where id > $1 and substr(body, 1, 1) <> $2 order by id limit $3`,
	Put:   `update demo_mail set body = $1 where id = $2 and body = $3`,
	Count: `select substr(body, 1, 1), count(*) from demo_mail group by substr(body, 1, 1)`,
}

func TestWhatChangesWhileItIsSealedAnewStaysAsItBecame(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		w.Keys = storetest.TwoKeys(t)
		put := func(id, text string) {
			t.Helper()
			write(t, w, func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, `insert into demo_mail (id, recipient, subject, body, at) values ($1, '', '', $2, 1)
					on conflict (id) do update set body = excluded.body`, id, w.Keys.Seal(secret.ForMail, id, []byte(text)))
				return err
			})
		}
		for i := range 5 {
			put(fmt.Sprint(i), "before")
		}
		if err := w.Keys.Adopt(2, nil, nil); err != nil {
			t.Fatal(err)
		}
		// Between reading and writing one becomes another by the new key, one by the old key of
		// a node that does not know yet, and one is gone.
		rows, err := letters.next(t.Context(), w.DB, letters.First, 2, 5)
		if err != nil || len(rows) != 5 {
			t.Fatal(len(rows), err)
		}
		for i, f := range rows {
			if rows[i].fresh, err = w.Keys.Reseal(secret.ForMail, f.key[0].(string), f.sealed); err != nil {
				t.Fatal(err)
			}
		}
		put("0", "after")
		if err := w.Keys.Adopt(1, nil, nil); err != nil {
			t.Fatal(err)
		}
		put("1", "after, by another node")
		if err := w.Keys.Adopt(2, nil, nil); err != nil {
			t.Fatal(err)
		}
		write(t, w, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `delete from demo_mail where id = '2'`)
			return err
		})
		if n, err := letters.put(t.Context(), w.DB, rows); err != nil || n != 2 {
			t.Errorf("%d were written, %v", n, err)
		}
		told := int64(0)
		done, err := letters.Reseal(t.Context(), w.DB, w.Keys, func(n int64) { told += n })
		if err != nil || done.Sealed != 1 || told != 1 || done.Stuck != 0 {
			t.Errorf("the next walk: %+v, told %d, %v", done, told, err)
		}
		for id, want := range map[string]string{"0": "after", "1": "after, by another node", "3": "before", "4": "before"} {
			var sealed []byte
			if err := w.DB.QueryRow(t.Context(), `select body from demo_mail where id = $1`, id).Scan(&sealed); err != nil {
				t.Fatal(err)
			}
			if got, err := w.Keys.Open(secret.ForMail, id, sealed); err != nil || string(got) != want || sealed[0] != 2 {
				t.Errorf("%s: %q, key %d, %v", id, got, sealed[0], err)
			}
		}
	})
}

func TestAValueThatNothingOpensIsNamedAndHoldsUpNoOther(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		w.Keys = storetest.TwoKeys(t)
		write(t, w, func(ctx context.Context, tx *store.Tx) error {
			for i, body := range [][]byte{{1}, {9, 1, 2}, w.Keys.Seal(secret.ForMail, "another row", nil), w.Keys.Seal(secret.ForMail, "3", nil),
				w.Keys.Seal(secret.ForMail, "4", nil)} {
				if _, err := tx.Exec(ctx, `insert into demo_mail (id, recipient, subject, body, at) values ($1, '', '', $2, 1)`, fmt.Sprint(i), body); err != nil {
					return err
				}
			}
			return nil
		})
		if err := w.Keys.Adopt(2, nil, nil); err != nil {
			t.Fatal(err)
		}
		done, err := letters.Reseal(t.Context(), w.DB, w.Keys, nil)
		if err != nil || done.Sealed != 2 || done.Stuck != 3 || fmt.Sprint(done.Rows) != "[demo_mail.body of 0 demo_mail.body of 1 demo_mail.body of 2]" {
			t.Errorf("%+v, %v", done, err)
		}
		counts, err := letters.Sealed(t.Context(), w.DB)
		if err != nil || fmt.Sprint(counts) != "map[1:2 2:2 9:1]" {
			t.Errorf("%v, %v", counts, err)
		}
	})
}

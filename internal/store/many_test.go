package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func TestManyRowsAreInsertedByFewStatementsAndFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		const n = 777
		var args []any
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf("k%03d", i))
			args = append(args, names[i], int64(i))
		}
		insert := func(args []any) error {
			return w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				return tx.InsertMany(ctx, `insert into allowance (name, full_at) values `, 2, args)
			})
		}
		if err := errors.Join(insert(args), insert(nil)); err != nil {
			t.Fatal(err)
		}
		if err := insert(append([]any{"new", int64(0)}, args[:2]...)); !errors.Is(err, store.ErrTaken) {
			t.Errorf("%v", err)
		}
		for _, asked := range [][]string{nil, names[:1], names[:48], names[:49], names, append(names[700:], "new", "nobody's")} {
			var found []string
			err := store.Among(t.Context(), w.DB, `select name, full_at from allowance where name in `, asked, func(rows *store.Rows) error {
				var name string
				var at int64
				err := rows.Scan(&name, &at)
				if want := fmt.Sprintf("k%03d", at); want != name {
					t.Errorf("%s holds %d", name, at)
				}
				found = append(found, name)
				return err
			})
			slices.Sort(found)
			want := slices.DeleteFunc(slices.Clone(asked), func(name string) bool { return name[0] == 'n' })
			if err != nil || !slices.Equal(found, want) {
				t.Errorf("%d asked for: %d found, %v", len(asked), len(found), err)
			}
		}
	})
}

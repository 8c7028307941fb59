package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// stays are the tables that go on naming somebody who was deleted, and why.
var stays = map[string]string{
	"audit":           "the record is never changed",
	"grace_end":       "grace does not come back under the same address",
	"mail":            "delivery data, until it is past its retention",
	"reminder":        "delivery data: the round's sums are made of it",
	"progress_event":  "what happened, folded into sums that are never scanned",
	"progress_person": "how far he had come when he left",
	"second_step":     "codes that were accepted are never accepted again",
	"ticket":          "what was asked stays asked: it is the organization's and the operators' matter",
	"ticket_reader":   "goes with its ticket; nobody reads by an id that nobody has",
	"session":         "what sessions proved; all of them have ended",
}

// filled are what a column takes that not any text or number does, by its name or by
// table and name.
var filled = map[string]any{
	"door": "setup", "kind": "pass", "lane": "notice", "became": "sent", "source": "bounce", "method": "totp", "authority": "general_user",
	"progress_event.what": "told", "progress_person.method": "", "progress_person.away": 0, "second_step.totp_step": 1,
	"language": "en", "ticket.state": "open", "ticket.due_at": 1, "ticket_reader.state": "open",
}

// column is one of a table, as both engines describe it.
type column struct {
	name, kind string
	required   bool
}

// schema are the columns of all tables.
func schema(t *testing.T, db *store.DB) map[string][]column {
	t.Helper()
	text := `select m.name, p.name, lower(p.type), p."notnull" = 1 or p.pk > 0 from sqlite_schema m join pragma_table_info(m.name) p
		where m.type = 'table' and m.name not like 'sqlite%'`
	if db.Engine() == store.PostgreSQL {
		text = `select table_name, column_name, data_type, is_nullable = 'NO' from information_schema.columns where table_schema = current_schema()`
	}
	rows, err := db.Query(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	tables := map[string][]column{}
	for rows.Next() {
		var table string
		var c column
		if err := rows.Scan(&table, &c.name, &c.kind, &c.required); err != nil {
			t.Fatal(err)
		}
		tables[table] = append(tables[table], c)
	}
	if err := rows.Err(); err != nil || len(tables) < 30 {
		t.Fatalf("%d tables, %v", len(tables), err)
	}
	return tables
}

// fill writes a row of somebody into a table that has a holder and none of him yet.
func fill(ctx context.Context, tx *store.Tx, table string, columns []column, own map[string]any) error {
	var n int
	err := tx.QueryRow(ctx, `select count(*) from `+table+` where holder_id = $1`, own["holder_id"]).Scan(&n)
	if err != nil || n > 0 {
		return err
	}
	var names, places []string
	var args []any
	for _, c := range columns {
		value, ok := own[c.name]
		if !ok {
			value, ok = filled[table+"."+c.name]
		}
		if !ok && !c.required {
			continue
		}
		if !ok {
			value, ok = filled[c.name]
		}
		switch {
		case ok:
		case c.kind == "text":
			value = "x"
		case c.kind == "bytea":
			value = []byte("x")
		case c.kind == "boolean":
			value = false
		default:
			value = 1
		}
		names, args = append(names, c.name), append(args, value)
		places = append(places, fmt.Sprintf("$%d", len(args)))
	}
	if _, err = tx.Exec(ctx, `insert into `+table+` (`+strings.Join(names, ", ")+`) values (`+strings.Join(places, ", ")+`)`, args...); err != nil {
		err = fmt.Errorf("a row of %s, see filled: %w", table, err)
	}
	return err
}

// Whoever is deleted has a row in each table that knows holders, whatever rooms come to
// be; afterwards those alone name him that say here why.
func TestNoTableNamesWhoWasDeletedButThoseThatSayWhy(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		c := openCast(t, w)
		tables := schema(t, w.DB)
		him, token := c.named("general user")
		if a := c.ask(token, "POST", "/profile/address", []string{"email", "elsewhere@cast.example"}); a.Code != http.StatusSeeOther {
			t.Fatalf("the address is not changed: %d %s", a.Code, a.Body)
		}
		holders := 0
		c.in(func(ctx context.Context, tx *store.Tx) error {
			own := map[string]any{"organization_id": him.Organization, "holder_id": him.ID}
			var plan string
			if err := tx.QueryRow(ctx, `select id from rollout limit 1`).Scan(&plan); err != nil {
				return err
			}
			own["rollout_id"], own["notice_id"] = plan, "n"
			_, err := tx.Exec(ctx, `insert into notice (id, organization_id, authority, title_en, title_ja, text_en, text_ja, shows_from, at_signin,
				by_mail, published_at, published_by, after_organization, after_holder, mailed) values ('n', '', '', 'x', 'x', 'x', 'x', 1, false, false, 1, 'x', '', '', 0)`)
			if err != nil {
				return err
			}
			holders = 0
			for _, table := range slices.Sorted(maps.Keys(tables)) { // what others refer to has the shorter name
				columns := tables[table]
				if !slices.ContainsFunc(columns, func(c column) bool { return c.name == "holder_id" }) {
					continue
				}
				holders++
				if err := fill(ctx, tx, table, columns, own); err != nil {
					return err
				}
			}
			_, err = tx.Exec(ctx, `insert into allowance (name, full_at) values ($1, $2)`, "pass "+him.Organization+" "+him.ID, store.Micros(tx.Now()))
			return err
		})
		if holders < 20 {
			t.Fatalf("only %d tables know holders", holders)
		}
		_, admin := c.named("admin, fresh code")
		if a := c.ask(admin, "POST", "/accounts/"+him.ID+"/delete", nil); a.Header().Get("Location") != "/accounts?done=delete" {
			t.Fatalf("not deleted: %d %s", a.Code, a.Body)
		}
		named := map[string]bool{}
		for table, columns := range tables {
			for _, col := range columns {
				if col.kind == "text" && c.count(table+" where "+col.name+" like '%"+him.ID+"%'") > 0 {
					named[table] = true
					if stays[table] == "" {
						t.Errorf("%s.%s still names who was deleted: have it removed in people's remove, or say in this test why it stays", table, col.name)
					}
				}
			}
		}
		for table, why := range stays {
			if !named[table] {
				t.Errorf("%s does not name him (%s): take it out of the list", table, why)
			}
		}
		his := "holder_id = '" + him.ID + "'"
		if c.count("session where ended_at is null and "+his) != 0 ||
			c.count("mail where sent_at is null and dropped_at is null and kind <> 'person-delete' and "+his) != 0 {
			t.Error("a session is open, or a letter still waits for him")
		}
	})
}

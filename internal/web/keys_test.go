package web

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nidan/internal/account"
	"nidan/internal/keyring"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// unsealed are the columns of bytes in which nothing is sealed, with the reason.
var unsealed = map[string]string{
	"portal.key_check":         "a digest by which the first key is known again",
	"audit.previous":           "a digest",
	"audit.digest":             "a digest",
	"account.address_digest":   "a digest",
	"session.digest":           "a digest of a cookie",
	"password_reset.digest":    "a digest of a link",
	"mail_code.digest":         "a digest of a code",
	"pass.digest":              "a digest of a link",
	"pass.code_digest":         "a digest of a code",
	"grace_end.address_digest": "a digest",
	"address_change.digest":    "a digest of a link",
	"import_run.digest":        "a digest of a file",
	"attachment_chunk.bytes":   "what customers sent, as other text of tickets",
	"key_line.key_check":       "a digest by which a key is known again",
	"key_use.digests":          "sealed with the key that seals, in the statement that makes it so",
}

var (
	made  = regexp.MustCompile(`(?s)create table (\w+) \((.*?)\n\);`)
	bytea = regexp.MustCompile(`(?m)^\s*(\w+) bytea`)
	grown = regexp.MustCompile(`alter table (\w+) add column (\w+) bytea`)
)

// Whoever adds a column of bytes says here whether it is sealed; if so, a change of
// keys must reach it, or its values are lost with the old key.
func TestEveryColumnThatHoldsSealedValuesIsSealedAnew(t *testing.T) {
	steps, err := store.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, c := range Sealed() {
		listed[c.Name] = false
	}
	var found []string
	for _, step := range steps {
		for _, table := range made.FindAllStringSubmatch(step.Text, -1) {
			for _, column := range bytea.FindAllStringSubmatch(table[2], -1) {
				found = append(found, table[1]+"."+column[1])
			}
		}
		for _, column := range grown.FindAllStringSubmatch(step.Text, -1) {
			found = append(found, column[1]+"."+column[2])
		}
	}
	if len(found) != strings.Count(strings.ToLower(allText(steps)), " bytea") {
		t.Errorf("the schema is read wrongly: %q", found)
	}
	for _, name := range found {
		_, sealed := listed[name]
		if sealed {
			listed[name] = true
		}
		if (unsealed[name] != "") == sealed {
			t.Errorf("%s holds bytes: are they sealed? Then its room names it as a keyring.Column, and web.Sealed lists it; else say here why not", name)
		}
	}
	for name, there := range listed {
		if !there {
			t.Errorf("%s is no column of bytes", name)
		}
	}
	for name := range unsealed {
		if !slices.Contains(found, name) {
			t.Errorf("%s is no column of bytes", name)
		}
	}
}

func allText(steps []store.Migration) string {
	var all strings.Builder
	for _, step := range steps {
		for line := range strings.SplitSeq(step.Text, "\n") {
			if !strings.HasPrefix(line, "--") {
				all.WriteString(line + "\n")
			}
		}
	}
	return all.String()
}

// fillSealed writes two values into each column, for two rows, as the rooms do.
func fillSealed(t *testing.T, w storetest.World) {
	t.Helper()
	seal := func(c string, key ...any) []byte {
		i := slices.IndexFunc(Sealed(), func(one keyring.Column) bool { return one.Name == c })
		one := Sealed()[i]
		return w.Keys.Seal(one.Purpose, one.Row(key), []byte(c+fmt.Sprint(key...)))
	}
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `insert into import_run (id, digest, name, bytes, options, uploaded, state, asked_at, asked_by, lease_by, lease_until, tries, read_to, done, tally, unread)
			values ('r', $1, 'x', 1, '', true, 'checking', 1, 'x', '', 0, 0, 0, 0, '', '')`, []byte{1})
		if err != nil {
			return fmt.Errorf("run: %w", err)
		}
		for i, id := range []string{"a", "b"} {
			for _, one := range []struct {
				text string
				args []any
			}{
				{`insert into totp (organization_id, holder_id, secret, enrolled_at, last_step, epoch) values ('o', $1, $2, 1, 1, 1)`,
					[]any{id, seal("totp.secret", "o", id)}},
				{`insert into setup (session_id, organization_id, holder_id, door, method, secret, wrong_codes, started_at) values ($1, 'o', $2, 'setup', '', $3, 0, 1)`,
					[]any{id, id, seal("setup.secret", id, "o", id)}},
				{`insert into password (organization_id, holder_id, hash, first_at, set_at, weak, sealed, format) values ('o', $1, '', 1, 1, false, $2, 'x')`,
					[]any{id, seal("password.sealed", "o", id)}},
				{`insert into password_reset (id, digest, organization_id, holder_id, created_at, expires_at, aside, needs_approval) values ($1, $2, 'o', $3, 1, 1, $4, false)`,
					[]any{id, []byte(id), id, seal("password_reset.aside", id, "o")}},
				{`insert into mail (id, organization_id, holder_id, lane, kind, recipient, subject, body, created_at, due_at, tries, lease_until)
					values ($1, 'o', $2, 'notice', 'x', 'x', 'x', $3, 1, 1, 0, 0)`, []any{id, id, seal("mail.body", id, "o")}},
				{`insert into demo_mail (id, recipient, subject, body, at) values ($1, 'x', 'x', $2, 1)`, []any{id, seal("demo_mail.body", id)}},
				{`insert into import_chunk (run_id, n, piece) values ('r', $1, $2)`, []any{int64(i), seal("import_chunk.piece", "r", int64(i))}},
			} {
				if _, err := tx.Exec(ctx, one.text, one.args...); err != nil {
					return fmt.Errorf("%s: %w", one.text, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// key is the primary key of the row that fillSealed has made for somebody.
func key(c keyring.Column, who string) []any {
	switch c.Name {
	case "totp.secret", "password.sealed":
		return []any{"o", who}
	case "setup.secret":
		return []any{who, "o", who}
	case "demo_mail.body":
		return []any{who}
	case "import_chunk.piece":
		return []any{"r", int64(who[0] - 'a')}
	}
	return []any{who, "o"}
}

// counted is how many values of a column each key has sealed.
func counted(t *testing.T, w storetest.World, c keyring.Column) string {
	t.Helper()
	n, err := c.Sealed(t.Context(), w.DB)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(n)
}

func TestEachColumnIsSealedAnewByItsRowsAndOnceIsEnough(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		w.Keys = storetest.TwoKeys(t)
		fillSealed(t, w)
		digests, err := w.Keys.SealDigests(2)
		if err == nil {
			err = w.Keys.Adopt(2, digests, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range Sealed() {
			c.Batch = 1 // each row is a batch of its own
			if n := counted(t, w, c); n != "map[1:2]" {
				t.Fatalf("%s before: %s", c.Name, n)
			}
			done, err := c.Reseal(t.Context(), w.DB, w.Keys, nil)
			if err != nil || done.Sealed != 2 || done.Stuck+done.Left != 0 {
				t.Errorf("%s: %+v, %v", c.Name, done, err)
			}
			if n := counted(t, w, c); n != "map[2:2]" {
				t.Errorf("%s after: %s", c.Name, n)
			}
			stale := append(append([]any{[]byte("stale")}, key(c, "a")...), []byte("not the old value"))
			err = w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				n, err := tx.Exec(ctx, c.Put, stale...)
				if n != 0 {
					t.Errorf("%s is written over, though it is not the old value any more", c.Name)
				}
				return err
			})
			if err != nil {
				t.Errorf("%s: %v", c.Name, err)
			}
			if done, err = c.Reseal(t.Context(), w.DB, w.Keys, nil); err != nil || done.Sealed+done.Stuck+done.Left != 0 {
				t.Errorf("%s, once more: %+v, %v", c.Name, done, err)
			}
		}
		if err := w.Keys.Adopt(2, digests, []byte{1}); err != nil {
			t.Fatal(err)
		}
		for _, holder := range []string{"a", "b"} {
			e, err := totp.Find(t.Context(), w.DB, w.Keys, account.Ref{Organization: "o", ID: holder})
			if err != nil || string(e.Secret) != "totp.secreto"+holder {
				t.Errorf("%q, %v", e.Secret, err)
			}
		}
	})
}

func TestASealedValueOpensInNoOtherRow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		w.Keys = storetest.TwoKeys(t)
		fillSealed(t, w)
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for _, c := range Sealed() {
				table, column, _ := strings.Cut(c.Name, ".")
				if err := swap(ctx, tx, table, column); err != nil {
					return fmt.Errorf("%s: %w", c.Name, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Keys.Adopt(2, nil, nil); err != nil {
			t.Fatal(err)
		}
		for _, c := range Sealed() {
			done, err := c.Reseal(t.Context(), w.DB, w.Keys, nil)
			if err != nil || done.Stuck != 2 || done.Sealed != 0 || len(done.Rows) != 2 {
				t.Errorf("%s: %+v, %v", c.Name, done, err)
			}
			if n := counted(t, w, c); n != "map[1:2]" {
				t.Errorf("%s: what does not open was changed: %s", c.Name, n)
			}
		}
		if _, err := totp.Find(t.Context(), w.DB, w.Keys, account.Ref{Organization: "o", ID: "a"}); !errors.Is(err, secret.ErrKey) {
			t.Errorf("another's secret opens: %v", err)
		}
		// Nor in another column of one purpose, with the same ids.
		rows := map[secret.Purpose]map[string]string{}
		for _, c := range Sealed() {
			key := []any{"x", "x", "x"}
			if c.Name == "import_chunk.piece" {
				key[1] = int64(1)
			}
			if rows[c.Purpose] == nil {
				rows[c.Purpose] = map[string]string{}
			}
			if other := rows[c.Purpose][c.Row(key)]; other != "" {
				t.Errorf("%s and %s name a row alike", other, c.Name)
			}
			rows[c.Purpose][c.Row(key)] = c.Name
		}
	})
}

// swap gives each of a table's two rows the other's value.
func swap(ctx context.Context, tx *store.Tx, table, column string) error {
	rows, err := tx.Query(ctx, fmt.Sprintf(`select %s from %s`, column, table))
	if err != nil {
		return err
	}
	var values [][]byte
	for rows.Next() {
		var value []byte
		if err := rows.Scan(&value); err != nil {
			return err
		}
		values = append(values, value)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(values) != 2 {
		return fmt.Errorf("%d values, %w", len(values), err)
	}
	aside := []byte("aside")
	for _, step := range [][2][]byte{{aside, values[0]}, {values[0], values[1]}, {values[1], aside}} {
		if n, err := tx.Exec(ctx, fmt.Sprintf(`update %[1]s set %[2]s = $1 where %[2]s = $2`, table, column), step[0], step[1]); err != nil || n != 1 {
			return fmt.Errorf("%d rows, %w", n, err)
		}
	}
	return nil
}

// Somebody with a hand in the database gives another's row his own secret.
func TestWithAnothersSecretCopiedIntoTheRowNobodySignsIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		k.people()
		thief := totp.NewSecret()
		k.write(func(ctx context.Context, tx *store.Tx) error {
			return totp.Enroll(ctx, tx, k.Keys, account.Ref{Organization: "o", ID: "thief"}, thief, 0, 0)
		})
		k.write(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update totp set secret = (select secret from totp where holder_id = 'thief')
				where holder_id = (select id from account where name = 'app')`)
			return err
		})
		k.do("", "POST", "/signin", 303, "email", "app@aozora.example", "password", typed)
		k.do("", "POST", "/signin/code", 500, "code", totp.Code(thief, totp.Step(k.Clock.Now())))
		k.do("", "GET", "/profile", 303)
	})
}

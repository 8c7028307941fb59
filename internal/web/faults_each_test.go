package web

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/pass"
	"nidan/internal/rollout"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// faulty is a walk on which each write of each request fails once, by a trigger that
// raises, before the request is let through.
type faulty struct {
	*walker
	tables []string
	failed int
}

// faults puts triggers on every table there is, a new one too: they count the rows that
// a request writes, and raise at the one that table fails names. What they count is
// taken back with the transaction.
func faults(t *testing.T, k *walker) *faulty {
	t.Helper()
	f := &faulty{walker: k, tables: slices.Sorted(maps.Keys(schema(t, k.DB)))}
	run := func(text string) {
		k.write(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, text)
			return err
		})
	}
	run(`create table written (n integer)`)
	run(`create table fails (at integer)`)
	run(`insert into fails (at) values (0)`)
	run(`create table failed (n integer)`)
	if k.DB.Engine() == store.PostgreSQL {
		run(`create sequence ever_failed`)
		run(`create function fails_here() returns trigger language plpgsql as $$ begin
			insert into written (n) values (1);
			if (select count(*) from written) = (select at from fails) then perform nextval('ever_failed'); raise exception 'a planted fault'; end if;
			if tg_op = 'DELETE' then return old; end if;
			return new; end $$`)
	}
	for _, table := range f.tables {
		if k.DB.Engine() == store.PostgreSQL {
			run(`create trigger fails_here before insert or update or delete on ` + table + ` for each row execute function fails_here()`)
			continue
		}
		for _, op := range []string{"insert", "update", "delete"} {
			run(`create trigger fails_` + table + `_` + op + ` before ` + op + ` on ` + table + ` begin
				insert into written (n) values (1);
				insert into failed (n) select 1 where (select count(*) from written) = (select at from fails);
				select raise(fail, 'a planted fault') where (select count(*) from written) = (select at from fails); end`)
		}
	}
	return f
}

// fail has the nth row that the next request writes fail; 0: none.
func (f *faulty) fail(n int) {
	f.t.Helper()
	f.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `delete from written`)
		if err == nil {
			_, err = tx.Exec(ctx, `update fails set at = $1`, n)
		}
		if err == nil && f.DB.Engine() == store.PostgreSQL {
			_, err = tx.Exec(ctx, `alter sequence ever_failed restart`)
		}
		return err
	})
}

// unnoticed says whether a write has failed and the request went on. A sequence counts
// on when a transaction is taken back; on SQLite what a trigger wrote before it raised
// stays, if the transaction does.
func (f *faulty) unnoticed() (yes bool) {
	f.t.Helper()
	text := `select exists (select 1 from failed)`
	if f.DB.Engine() == store.PostgreSQL {
		text = `select is_called from ever_failed`
	}
	if err := f.DB.QueryRow(context.Background(), text).Scan(&yes); err != nil {
		f.t.Fatal(err)
	}
	return yes
}

// rows are those of every table but some, as text.
func (f *faulty) rows(but []string) map[string]string {
	f.t.Helper()
	all := map[string]string{}
	for _, table := range f.tables {
		if slices.Contains(but, table) {
			continue
		}
		rows, err := f.DB.Query(context.Background(), `select * from `+table)
		if err != nil {
			f.t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			f.t.Fatal(err)
		}
		var lines []string
		for rows.Next() {
			values, places := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				places[i] = &values[i]
			}
			if err := rows.Scan(places...); err != nil {
				f.t.Fatal(err)
			}
			lines = append(lines, fmt.Sprint(values...))
		}
		if err := rows.Err(); err != nil {
			f.t.Fatal(err)
		}
		_ = rows.Close()
		slices.Sort(lines)
		all[table] = strings.Join(lines, "\n")
	}
	return all
}

// each makes a request fail at each of its writes in turn, and then lets it through:
// it must lead where it should. before are tables of a first transaction of its own,
// which stays: what is counted before the hash.
func (f *faulty) each(method, path string, status int, before []string, fields ...string) {
	f.t.Helper()
	was := f.rows(before)
	for n := 1; ; n++ {
		f.fail(n)
		got, cookie, body := f.ask(method, path, fields)
		if got == status { // it writes less than n rows
			if n == 1 {
				f.t.Errorf("%s %s %v writes nothing", method, path, fields)
			}
			if f.unnoticed() {
				f.t.Fatalf("%s %s %v: nobody notices that its %dth write fails", method, path, fields, n)
			}
			f.fail(0)
			f.body = body
			return
		}
		f.failed++
		if got < 500 || cookie || strings.Contains(body, "planted") {
			f.t.Fatalf("%s %s %v, without its %dth write: %d, a cookie %v\n%s", method, path, fields, n, got, cookie, body)
		}
		if got == http.StatusInternalServerError && !strings.Contains(body, "Nothing was changed") {
			f.t.Errorf("%s %s: the page does not say that nothing was changed", method, path)
		}
		for table, rows := range f.rows(before) {
			if rows != was[table] {
				f.t.Fatalf("%s %s %v, without its %dth write: something of it stays in %s\n%s\nbefore\n%s", method, path, fields, n, table, rows, was[table])
			}
		}
	}
}

// ask makes one request; cookie says whether the answer gave one.
func (f *faulty) ask(method, path string, fields []string) (status int, cookie bool, body string) {
	f.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r, err := http.NewRequest(method, f.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		f.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Accept-Language", "en")
	answer, err := f.client.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return answer.StatusCode, len(answer.Cookies()) > 0, string(text)
}

// Each row that a sign-in, a set-up, a pass, a starting guide or a reset writes fails in
// turn: an honest 5xx, no session, nothing half done; and afterwards the same request,
// with the same code, goes through.
func TestEachWriteOfTheSecondStepFailsClosed(t *testing.T) {
	t.Parallel() // it has portals of its own
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		k.people()
		k.do("", "GET", "/signin", 200)
		f := faults(t, k)
		f.byApp()
		f.byMail()
		f.lost()
		f.settingUp()
		f.forgetting()
		f.guided()
		if f.failed < 150 {
			t.Errorf("only %d writes failed: the triggers are not where the writes are", f.failed)
		}
		t.Logf("%d writes failed in turn", f.failed)
	})
}

func (f *faulty) post(path string, status int, fields ...string) {
	f.t.Helper()
	f.each("POST", path, status, nil, fields...)
}

func (f *faulty) byApp() {
	f.post("/signin", 422, "email", "app@aozora.example", "password", "wrong")
	f.post("/signin", 303, "email", "app@aozora.example", "password", typed)
	for range 3 { // of the third the owner is told
		f.post("/signin/code", 422, "code", "000000")
	}
	f.post("/signin/code", 303, "code", f.code())
	f.later(session15)
	f.do("", "GET", "/", 200) // that he was seen is written apart
	f.post("/confirm", 303, "code", f.code())
	f.later(time.Minute)
	f.do("", "GET", "/", 200)
	f.each("GET", "/profile/totp", 200, nil)
	key := f.keyIn(f.body)
	f.post("/profile/totp", 422, "code", "000000")
	f.post("/profile/totp", 303, "code", totp.Code(key, totp.Step(f.Clock.Now())))
	f.key = key
	f.post("/signout", 303)
	f.capped()
}

// session15 is as long as a proof is fresh, and a little.
const session15 = 16 * time.Minute

// capped reaches the cap, and then what makes it void: what goes with them is written too.
func (f *faulty) capped() {
	ref := f.refOf("app")
	for _, reach := range []int{24, 99} {
		f.later(2 * time.Hour)
		f.write(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `delete from second_step_failure`)
			at := tx.Now().Add(-90 * time.Minute)
			if reach > 24 { // so old that the cap does not count them
				at = tx.Now().AddDate(0, 0, -40)
				if err == nil {
					_, err = tx.Exec(ctx, `delete from second_step`)
				}
				if err == nil {
					_, err = tx.Exec(ctx, `delete from second_step_state`)
				}
			}
			for i := 0; i < reach && err == nil; i++ {
				_, err = tx.Exec(ctx, `insert into second_step_failure (id, organization_id, holder_id, session_id, door, at) values ($1, $2, $3, 'x', 'signin', $4)`,
					secret.ID(), ref.Organization, ref.ID, store.Micros(at))
			}
			return err
		})
		f.post("/signin", 303, "email", "app@aozora.example", "password", typed)
		status := http.StatusForbidden // the cap ends the sign-in as well
		if reach > 24 {
			status = http.StatusUnprocessableEntity
		}
		f.post("/signin/code", status, "code", "000000")
	}
}

func (f *faulty) byMail() {
	f.browser()
	f.post("/signin", 303, "email", "mailed@aozora.example", "password", typed)
	f.post("/signin/code", 303, "act", "send")
	f.post("/signin/code", 422, "code", "00000000")
	mailed := f.person("mailed")
	f.write(func(ctx context.Context, tx *store.Tx) error { // without grace its first right code enrolls it
		if _, err := tx.Exec(ctx, `delete from mailotp`); err != nil {
			return err
		}
		return rollout.FinishGrace(ctx, tx, f.Keys, mailed, "deleted", "test")
	})
	f.post("/signin/code", 303, "code", f.mailed())
}

// lost is a lost device: a pass typed, wrong and right, and one by its link.
func (f *faulty) lost() {
	app := f.person("app")
	for _, byLink := range []bool{false, true} {
		f.browser()
		f.later(time.Hour)
		path, code := "", ""
		f.write(func(ctx context.Context, tx *store.Tx) (err error) {
			given := pass.Given{By: f.refOf("mailed").ID, Why: "lost"}
			if byLink {
				path, _, err = pass.Give(ctx, tx, app.Ref, pass.Latecomer, given)
			} else {
				code, _, err = pass.GiveByHand(ctx, tx, f.Keys, app.Ref, given)
			}
			return err
		})
		status := http.StatusForbidden // no code can be asked: it is void
		if byLink {
			status = http.StatusSeeOther
		}
		f.post("/signin", status, "email", app.Email, "password", typed)
		if byLink {
			f.post("/pass/"+path, 303)
		} else {
			f.post("/pass", 422, "code", "AAAA-BBBB-CCCC")
			f.post("/pass", 303, "code", code)
		}
		f.post("/setup/method", 303, "method", "totp")
		f.each("GET", "/setup/totp", 200, nil)
		f.key = f.keyIn(f.body)
		f.post("/setup/totp", 303, "code", f.code())
	}
}

func (f *faulty) settingUp() {
	for _, method := range []string{"totp", "mailotp"} {
		name := f.newPerson("new-" + method)
		f.browser()
		f.post("/signin", 303, "email", name+"@aozora.example", "password", typed)
		f.post("/setup/method", 303, "method", method)
		f.post("/setup", 303)
		f.post("/setup/mailbox", 422, "code", "00000000")
		if method == "mailotp" {
			f.post("/setup/mailbox", 303, "code", f.mailed())
			continue
		}
		f.post("/setup/mailbox", 303, "code", f.mailed())
		f.write(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update password set weak = true where holder_id = $1`, f.refOf(name).ID)
			return err
		})
		f.post("/setup/password", 303, "password", "harbor under lantern", "password_again", "harbor under lantern")
		f.each("GET", "/setup/totp", 200, nil)
		key := f.keyIn(f.body)
		f.post("/setup/totp", 303, "code", totp.Code(key, totp.Step(f.Clock.Now())))
	}
}

// forgetting sets a password by a mailed link: at once, and kept aside for a day.
func (f *faulty) forgetting() {
	for _, name := range []string{"app", "new-mailotp"} {
		f.browser()
		f.later(time.Hour)
		f.post("/password/forgot", 303, "email", name+"@aozora.example", "name", name, "phone", "0312345678")
		link := f.linked("/password/reset/", name+"@aozora.example")
		f.post(link, 303, "password", "over the harbor light", "password_again", "over the harbor light")
	}
	f.write(func(ctx context.Context, tx *store.Tx) error { // as a Portal Admin's approval does
		_, err := tx.Exec(ctx, `update password_reset set approved_at = $1 where aside is not null`, store.Micros(tx.Now()))
		return err
	})
	f.post("/signin", 303, "email", "new-mailotp@aozora.example", "password", "over the harbor light")
}

// guided is the way of somebody new. Whom he says to be is counted before the hash.
func (f *faulty) guided() {
	f.browser()
	g := f.newcomer("starter")
	f.each("POST", g.path, 422, []string{"allowance"}, "email", g.Email, "name", g.Name, "phone", "1")
	f.each("POST", g.path, 200, []string{"allowance"}, g.who()...)
	f.each("POST", g.path, 303, []string{"allowance", "audit"}, g.begins()...)
	f.each("GET", "/setup/totp", 200, nil)
	key := f.keyIn(f.body)
	f.post("/setup/totp", 303, "code", totp.Code(key, totp.Step(f.Clock.Now())))
}

func (f *faulty) keyIn(body string) []byte { f.t.Helper(); f.body = body; return f.setupKey() }

// person reads somebody by name.
func (f *faulty) person(name string) account.Account {
	f.t.Helper()
	a, err := account.Find(context.Background(), f.DB, f.refOf(name))
	if err != nil {
		f.t.Fatal(err)
	}
	return a
}

// newPerson is one more Portal Admin with grace.
func (f *faulty) newPerson(name string) string {
	f.t.Helper()
	f.write(func(ctx context.Context, tx *store.Tx) error {
		a, err := account.Add(ctx, tx, f.Keys, account.Account{Ref: account.Ref{Organization: f.refOf("app").Organization}, Email: name + "@aozora.example",
			Name: name, Phone: "0312345678", Authority: account.PortalAdmin, Language: "en", Zone: "Asia/Tokyo"}, "test")
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into password (organization_id, holder_id, hash, first_at, set_at, weak)
			select organization_id, $1, hash, first_at, set_at, false from password where holder_id = $2`, a.ID, f.refOf("grace").ID)
		return err
	})
	return name
}

// linked is the newest link of a kind that was mailed to an address.
func (f *faulty) linked(begins, to string) (link string) {
	f.t.Helper()
	if err := f.portal.Post.Drain(context.Background()); err != nil {
		f.t.Fatal(err)
	}
	for _, m := range *f.mailbox {
		if _, rest, ok := strings.Cut(m.Text, begins); ok && m.To == to {
			link = begins + rest[:43]
		}
	}
	if link == "" {
		f.t.Fatalf("no link was mailed to %s", to)
	}
	return link
}

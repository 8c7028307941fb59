package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// broken makes every insert into a table fail, until mended is called.
func (c *cast) broken(table string) (mended func()) {
	c.t.Helper()
	do := func(statements ...string) {
		for _, text := range statements {
			c.in(func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, text)
				return err
			})
		}
	}
	if c.DB.Engine() == store.SQLite {
		do(`create trigger broken before insert on ` + table + ` begin select raise(abort, 'the disk is full'); end`)
		return func() { do(`drop trigger broken`) }
	}
	do(`create or replace function broken() returns trigger language plpgsql as $$ begin raise exception 'the disk is full'; end $$`,
		`create trigger broken before insert on `+table+` for each row execute function broken()`)
	return func() { do(`drop trigger broken on ` + table) }
}

// state is what deeds change, as text.
func (c *cast) state() string {
	c.t.Helper()
	var all []string
	for _, what := range []string{"audit", "mail", "pass", "session where ended_at is null", "session where ended_at is not null", "account", "address",
		"account where suspended_at is null", "account where authority = 'portal_admin'", "account where method = 'totp'", "account where phone = '0312345678'",
		"account where preset = ''", "account where network_check", "network", "address_change", "pass where withdrawn_at is null and replaced_at is null and spent_at is null",
		"password_reset where aside is not null", "second_step_state", "grace_end", "password", "totp", "organization", "organization where suspended_at is null", "notice",
		"organization where name = 'Aozora'", "mail_code"} {
		var n int
		if err := c.DB.QueryRow(c.t.Context(), "select count(*) from "+what).Scan(&n); err != nil {
			c.t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s: %d", what, n))
	}
	return strings.Join(all, "\n")
}

// Where the record or the letter of a deed cannot be written, the deed is not done:
// an honest 5xx, and nothing of it stays.
func TestADeedWhoseRecordOrLetterCannotBeWrittenIsNotDone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		c := openCast(t, w)
		deeds := []struct {
			path       string
			form       []string
			noLetter   bool
			byOperator bool
		}{
			{path: "/accounts/new", form: []string{"name", "Nao", "email", "nao@cast.example", "phone", "0312345678", "language", "en", "time_zone", "UTC",
				"authority", "general_user", "method", "mailotp"}},
			{path: "/accounts/{id}/edit", form: []string{"name", "Nao", "phone", "0399999999", "language", "en", "time_zone", "UTC", "authority", "portal_admin", "seen", "{seen}"}},
			{path: "/accounts/{id}/method", form: []string{"method", "mailotp"}},
			{path: "/accounts/{id}/suspend"}, {path: "/accounts/{id}/delete"}, {path: "/accounts/{id}/guide"}, {path: "/accounts/{id}/unlock"},
			{path: "/accounts/{id}/pass", form: []string{"way", "mail", "why", "lost"}},
			{path: "/accounts/{id}/address", form: []string{"email", "moved@cast.example"}},
			{path: "/networks/new", form: []string{"network", "203.0.113.0/24", "description", "Office"}, noLetter: true},
			{path: "/operator/organizations/new", byOperator: true, form: []string{"organization", "Third", "name", "Nao", "email", "third@cast.example",
				"phone", "0312345678", "language", "en", "time_zone", "UTC"}},
			{path: "/operator/organizations/{organization}/name", byOperator: true, form: []string{"organization", "Renamed"}},
			{path: "/operator/organizations/{organization}/suspend", byOperator: true},
		}
		for _, d := range deeds {
			for _, table := range []string{"audit", "mail", ""} {
				if table == "mail" && d.noLetter {
					continue
				}
				who, token := c.actor(7)
				if d.byOperator {
					who, token = c.actor(9)
				}
				whom := c.target(3, who)
				form := make([]string, len(d.form))
				path := at(d.path, whom.ID, c.own)
				if d.byOperator {
					path = at(d.path, c.own, c.own)
				}
				for i, value := range d.form {
					if form[i] = value; value == "{seen}" {
						_, form[i], _ = strings.Cut(c.ask(token, "GET", path, nil).Body.String(), `name="seen" value="`)
						form[i], _, _ = strings.Cut(form[i], `"`)
					}
				}
				before := c.state()
				if table == "" { // and with nothing broken it is: the form was right
					if w := c.ask(token, "POST", path, form); w.Code != http.StatusSeeOther || c.state() == before {
						t.Errorf("%s: %d on to %q", d.path, w.Code, w.Header().Get("Location"))
					}
					c.anew()
					continue
				}
				mended := c.broken(table)
				answer := c.ask(token, "POST", path, form)
				mended()
				if answer.Code < 500 || strings.Contains(answer.Body.String(), "disk is full") {
					t.Errorf("%s without %s: %d on to %q", d.path, table, answer.Code, answer.Header().Get("Location"))
				}
				if after := c.state(); after != before {
					t.Errorf("%s without %s: something of it stays\n%s\nbefore\n%s", d.path, table, after, before)
				}
			}
		}
	})
}

package people

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"nidan/internal/account"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// crowd fills the portal with 40 organizations of 250 people each, with all that a
// list looks at, and has the engine count them.
func (s *scene) crowd() {
	s.t.Helper()
	const people = `with recursive n(i) as (select 0 union all select i + 1 from n where i < 9999) `
	s.in(func(ctx context.Context, tx *store.Tx) error {
		for _, text := range []string{
			`with recursive n(i) as (select 0 union all select i + 1 from n where i < 39) insert into organization (id, name, name_key, created_at)
				select 'o' || i, 'o' || i, 'o' || i, 1 from n`,
			people + `insert into address (address_key, organization_id, holder_id) select 'p' || i || '@x.example', 'o' || (i % 40), 'p' || i from n`,
			people + `insert into account (id, organization_id, email, email_key, address_digest, name, name_key, phone, authority, method, method_by, method_at, preset,
					language, time_zone, job_title, mobile, network_check, created_at, suspended_at)
				select 'p' || i, 'o' || (i % 40), 'p' || i || '@x.example', 'p' || i || '@x.example', o.d, 'P ' || i, 'p' || i, '1', 'general_user', 'totp', 'x', 1,
					case when i % 50 = 7 then 'mailotp' else '' end, 'en', 'UTC', '', '', false, 1, case when i % 60 = 3 then 1 end
				from n, (select key_check as d from portal union all select address_digest from account limit 1) o`,
			people + `insert into totp (organization_id, holder_id, secret, enrolled_at, last_step, epoch)
				select a.organization_id, a.id, a.address_digest, 1, 1, 1 from n join account a on a.id = 'p' || i where i % 3 = 0`,
			people + `insert into mailotp (organization_id, holder_id, enrolled_at) select 'o' || (i % 40), 'p' || i, 1 from n where i % 3 = 1`,
			people + `insert into progress_person (organization_id, holder_id, signed_at, method, away) select 'o' || (i % 40), 'p' || i, case when i % 2 = 0 then 1 end, '', 0 from n`,
			people + `insert into second_step_failure (id, organization_id, holder_id, session_id, door, at) select 'f' || i, 'o' || (i % 40), 'p' || i, 's', 'signin', i from n`,
			people + `insert into second_step (id, organization_id, holder_id, session_id, door, method, totp_step, at) select 's' || i, 'o' || (i % 40), 'p' || i, 's' || i, 'signin', 'totp', 1, i from n`,
			people + `insert into second_step_state (organization_id, holder_id, stopped_at) select 'o' || (i % 40), 'p' || i, case when i % 100 = 0 then 1 end from n`,
			people + `insert into undeliverable (organization_id, holder_id, recipient, source, status, words, since_at, latest_at, mails)
				select 'o' || (i % 40), 'p' || i, 'old@x.example', 'bounce', '5', '', 1, 1, 1 from n`,
			people + `insert into password (organization_id, holder_id, hash, first_at, set_at, weak) select 'o' || (i % 40), 'p' || i, 'x', 1, 1, false from n`,
			people + `insert into session (id, digest, organization_id, holder_id, started_at, password_at, seen_at, wrong_codes, network, agent, ended_at)
				select 's' || i, ` + s.bytes() + `, 'o' || (i % 40), 'p' || i, 1, 1, 1, 0, 'x', 'x', 2 from n`,
			people + `insert into pass (id, organization_id, holder_id, kind, digest, tries, given_by, why, ticket, created_at, expires_at, spent_at)
				select 'g' || i, 'o' || (i % 40), 'p' || i, 'pass', ` + s.bytes() + `, 0, 'x', 'x', '', 1, 2, 3 from n`,
		} {
			if _, err := tx.Exec(ctx, text); err != nil {
				return fmt.Errorf("%.80s: %w", text, err)
			}
		}
		return nil
	})
	s.in(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `analyze`)
		return err
	})
}

// bytes is i as bytes, in the engine's own words.
func (s *scene) bytes() string {
	if s.DB.Engine() == store.SQLite {
		return `cast('d' || i as blob)`
	}
	return `convert_to('d' || i, 'UTF8')`
}

// whole is a step of a plan that reads all rows of a table. The page's own rows (k),
// a holder's wrong codes (mine, run) and the ids that a filter found are no tables.
var whole = regexp.MustCompile(`Seq Scan on \w+|SCAN (?:TABLE )?\w+`)

var small = regexp.MustCompile(`SCAN (k|mine|run|st|f|CONSTANT)$|SCAN (k|mine|run)\b`)

func (s *scene) plan(text string, args []any) string {
	s.t.Helper()
	explain := `explain query plan `
	if s.DB.Engine() == store.PostgreSQL {
		explain = `explain (costs off) `
	}
	rows, err := s.DB.Query(s.t.Context(), explain+text, args...)
	must(s.t, err)
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var line string
		if s.DB.Engine() == store.PostgreSQL {
			err = rows.Scan(&line)
		} else {
			err = rows.Scan(new(int), new(int), new(int), &line)
		}
		must(s.t, err)
		plan.WriteString(line + "\n")
	}
	must(s.t, rows.Err())
	return plan.String()
}

// However many people the portal has, a list reads those of its organization, and
// by the index of their names.
func TestNoListReadsMoreThanItsOrganization(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		s.user("Somebody First")
		s.crowd()
		for _, show := range shows {
			for _, typed := range []string{"", "p12"} {
				text, args := listing("o7", search{typed: typed, show: show, after: mark{"p1", "p1"}}, w.Clock.Now(), perPage+1)
				plan := s.plan(text, args)
				for _, step := range whole.FindAllString(plan, -1) {
					if !small.MatchString(step) {
						t.Errorf("%q %q: %s in\n%s", show, typed, step, plan)
					}
				}
				if !strings.Contains(plan, "account_name_key") && show == ShowAll && typed == "" {
					t.Errorf("%q %q goes by no index of names:\n%s", show, typed, plan)
				}
			}
		}
		found, err := list(t.Context(), w.DB, "o7", search{show: ShowNever}, w.Clock.Now(), 10)
		if err != nil || len(found) != 0 { // all have a session
			t.Errorf("%d, %v", len(found), err)
		}
		if _, err := find(t.Context(), w.DB, account.Ref{Organization: "o7", ID: "p47"}, w.Clock.Now()); err != nil {
			t.Error(err)
		}
	})
}

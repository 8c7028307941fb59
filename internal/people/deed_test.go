package people

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/limit"
	"nidan/internal/password"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/signin"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/verification"
)

func TestWhoIsSuspendedIsOutAtOnceAndComesBackAsHeWas(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga, sven, yui := s.visit(s.admin("Olga Admin")), s.admin("Sven Admin"), s.user("Yui User")
		s.to(s.ask(s.visit(sven), "POST", "/accounts/"+yui.ID+"/pass", "way", "mail", "why", "x"), "/accounts/"+yui.ID+"?done=mailed")
		at := "/accounts/" + sven.ID
		s.is(s.ask(olga, "GET", at+"/suspend"), http.StatusOK, "Suspend Sven Admin (", "all sessions end at once", "that Sven Admin gave")
		s.to(s.ask(olga, "POST", at+"/suspend"), at+"?done=suspend")
		if s.count("account where suspended_at is not null and suspended_by <> ''") != 1 || s.count("session where ended_at is null") != 1 ||
			s.count("pass where withdrawn_at is null") != 0 || s.count("progress_event where what = 'left'") != 1 {
			t.Error("not suspended as a whole")
		}
		s.is(s.ask(olga, "GET", at+"?done=suspend"), http.StatusOK, "Sven Admin is suspended", "Lift the suspension")
		s.to(s.ask(olga, "POST", at+"/suspend"), at) // sent twice
		if m := s.mailed(sven); m.Subject != "Your account on Business Portal was suspended" || strings.Contains(m.Text, "http") {
			t.Errorf("%+v", m)
		}
		s.is(s.ask(olga, "GET", at+"/return"), http.StatusOK, "Lift the suspension of Sven Admin")
		s.to(s.ask(olga, "POST", at+"/return"), at+"?done=return")
		s.to(s.ask(olga, "POST", at+"/return"), at)
		if s.count("account where suspended_at is not null or suspended_by is not null") != 0 || s.count("progress_event where what = 'returned'") != 1 ||
			s.count("audit where act = 'account:person:suspended'") != 1 || s.count("audit where act = 'account:person:returned'") != 1 ||
			s.count("mail where kind = 'person-suspend'") != 1 || s.count("mail where kind = 'person-return'") != 1 || s.count("totp") != 2 {
			t.Error("not returned as he was, or not once")
		}
	})
}

func TestWhoIsDeletedLeavesTheRecordAndTheEndOfGraceAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga := s.visit(s.admin("Olga Admin"))
		yui := s.add(s.org, "Yui User", account.GeneralUser, account.MailOTP, account.TOTP, account.MailOTP)
		s.visit(yui)
		s.everywhere(yui)
		at := "/accounts/" + yui.ID
		s.is(s.ask(olga, "GET", at+"/delete"), http.StatusOK, "Delete Yui User (", yui.Email, "cannot be undone", "free again", "over for ever")
		s.to(s.ask(olga, "POST", at+"/delete"), "/accounts?done=delete")
		s.is(s.ask(olga, "GET", "/accounts?done=delete"), http.StatusOK, "The account was deleted")
		for _, table := range []string{"account where id =", "address where holder_id =", "password where holder_id =", "password_reset where holder_id =", "totp where holder_id =",
			"mailotp where holder_id =", "mail_code where holder_id =", "pass where holder_id =", "pass_request where holder_id =", "second_step_state where holder_id =",
			"second_step_failure where holder_id =", "undeliverable where holder_id =", "extension where replaced_at is null and holder_id =", "session where ended_at is null and holder_id ="} {
			if s.count(table+" '"+yui.ID+"'") != 0 {
				t.Errorf("there are still rows: %s", table)
			}
		}
		if s.count("grace_end where why = 'deleted' and holder_id = '"+yui.ID+"'") != 1 || s.count("progress_event where what = 'left'") != 1 ||
			s.count("audit where act = 'account:person:deleted' and detail like '%Yui User%' and detail like '%"+yui.Email+"%'") != 1 {
			t.Error("the record or the end of grace is missing")
		}
		if s.count("mail where dropped_at is not null and kind = 'reminder'") != 1 || s.mailed(yui).Subject != "Your account on Business Portal was deleted" {
			t.Error("letters that waited still go out, or the owner is not told")
		}
		s.is(s.ask(olga, "POST", at+"/delete"), http.StatusNotFound)
		// The address is free; who comes back under it is somebody new.
		s.is(s.ask(olga, "POST", "/accounts/new", fill("email", yui.Email)...), http.StatusSeeOther)
		if s.count("grace_end") != 1 || s.count("account where email_key = '"+yui.EmailKey+"' and id <> '"+yui.ID+"'") != 1 {
			t.Error("the address is not free, or its grace came back")
		}
	})
}

// everywhere leaves a row of somebody in each table that a deletion clears.
func (s *scene) everywhere(a account.Account) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx *store.Tx) error {
		if err := password.Set(ctx, tx, a.Ref, "x", password.Changed); err != nil {
			return err
		}
		now := strconv.FormatInt(store.Micros(tx.Now()), 10)
		who := "'" + a.Organization + "', '" + a.ID + "'"
		for _, text := range []string{
			`insert into password_reset (id, digest, organization_id, holder_id, created_at, expires_at, needs_approval) select '1', digest, ` + who + `, 1, 2, true from session limit 1`,
			`insert into mail_code (id, organization_id, holder_id, session_id, door, address_key, digest, created_at, expires_at) select '1', ` + who + `, 's', 'signin', 'k', digest, 1, 2 from session limit 1`,
			`insert into pass (id, organization_id, holder_id, kind, digest, tries, given_by, why, ticket, created_at, expires_at) select '1', ` + who + `, 'pass', digest, 0, 'x', 'x', '', 1, 2 from session limit 1`,
			`insert into pass_request (id, organization_id, holder_id, why, ticket, asked_at, asked_by, waits_until) values ('1', ` + who + `, 'x', 'T', 1, 'x', 2)`,
			`insert into second_step_state (organization_id, holder_id, stopped_at) values (` + who + `, 1)`,
			`insert into second_step_failure (id, organization_id, holder_id, session_id, door, at) values ('1', ` + who + `, 's', 'signin', 1)`,
			`insert into undeliverable (organization_id, holder_id, recipient, source, status, words, since_at, latest_at, mails) values (` + who + `, 'x', 'bounce', '5', 'x', 1, 1, 1)`,
			`insert into rollout (id, organization_id, opens, ends, planned_at, planned_by) values ('r', '', 1, 2, 1, 'x')`,
			`insert into extension (id, rollout_id, organization_id, holder_id, until, reason, given_at, given_by) values ('1', 'r', ` + who + `, 3, 'x', 1, 'x')`,
			`insert into mail (id, organization_id, holder_id, lane, kind, recipient, subject, body, created_at, due_at, tries, lease_until)
				select '1', ` + who + `, 'bulk', 'reminder', 'x', 'x', digest, ` + now + `, ` + now + `, 0, 0 from session limit 1`,
		} {
			if _, err := tx.Exec(ctx, text); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestAStartingGuideGoesToWhoWasNeverEnrolledAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga, yui := s.visit(s.admin("Olga Admin")), s.user("Yui User")
		done := s.add(s.org, "Done Already", account.GeneralUser, account.TOTP, account.TOTP)
		s.is(s.ask(olga, "GET", "/accounts/"+yui.ID+"/guide"), http.StatusOK, "72 hours")
		for range 2 {
			s.to(s.ask(olga, "POST", "/accounts/"+yui.ID+"/guide"), "/accounts/"+yui.ID+"?done=guide")
		}
		if s.count("pass where kind = 'guide' and replaced_at is null") != 1 || s.count("audit where act = 'account:guide:given'") != 2 {
			t.Error("not one guide")
		}
		s.is(s.ask(olga, "GET", "/accounts/"+done.ID+"/guide"), http.StatusForbidden, "Give a pass instead")
		s.is(s.ask(olga, "POST", "/accounts/"+done.ID+"/guide"), http.StatusForbidden)
		s.in(func(ctx context.Context, tx *store.Tx) error { return account.Suspend(ctx, tx, yui.Ref, "test") })
		s.is(s.ask(olga, "POST", "/accounts/"+yui.ID+"/guide"), http.StatusForbidden, "suspended")
	})
}

// wrong writes wrong codes of somebody, as long ago as given.
func (s *scene) wrong(a account.Account, ago ...time.Duration) {
	s.in(func(ctx context.Context, tx *store.Tx) error {
		for _, d := range ago {
			_, err := tx.Exec(ctx, `insert into second_step_failure (id, organization_id, holder_id, session_id, door, at) values ($1, $2, $3, 's', 'signin', $4)`,
				secret.ID(), a.Organization, a.ID, store.Micros(tx.Now().Add(-d)))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func TestUnlockingEndsWaitsAndNeverTheCap(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga, yui := s.visit(s.admin("Olga Admin")), s.user("Yui User")
		s.wrong(yui, slices.Repeat([]time.Duration{time.Minute}, 24)...)
		own, byNetwork := signin.Slowing(w.Keys, yui.EmailKey)
		other, _ := signin.Slowing(w.Keys, "somebody@else.example")
		rate := limit.Rate{Burst: 1, Every: time.Hour}
		s.in(func(ctx context.Context, tx *store.Tx) error {
			return limit.Spend(ctx, tx, limit.Key{Name: own, Rate: rate}, limit.Key{Name: byNetwork + "203.0.113.7/32", Rate: rate}, limit.Key{Name: other, Rate: rate})
		})
		before, err := verification.Read(t.Context(), s.DB, s.Keys, yui.Ref, w.Clock.Now())
		must(t, err)
		if before.Again(w.Clock.Now()).IsZero() {
			t.Fatal("nothing waits")
		}
		s.is(s.ask(olga, "GET", "/accounts/"+yui.ID), http.StatusOK, "no code is looked at until")
		s.to(s.ask(olga, "POST", "/accounts/"+yui.ID+"/unlock"), "/accounts/"+yui.ID+"?done=unlock")
		after, err := verification.Read(t.Context(), s.DB, s.Keys, yui.Ref, w.Clock.Now())
		must(t, err)
		if !after.Again(w.Clock.Now()).IsZero() || after.InSpan != 24 || after.Run != 24 || s.count("allowance where name like 'password:%'") != 1 {
			t.Errorf("%+v", after)
		}
		if body := s.ask(olga, "GET", "/accounts/"+yui.ID).Body.String(); strings.Contains(body, "no code is looked at until") {
			t.Error("the page still says that he waits")
		}
		if s.count("audit where act = 'account:person:unlocked'") != 1 || s.count("mail where kind = 'person-unlock'") != 1 {
			t.Error("not recorded and told once")
		}
		// The next wrong one is the 25th: it stops the second verification all the same.
		p, err := find(t.Context(), s.DB, yui.Ref, w.Clock.Now())
		must(t, err)
		s.in(func(ctx context.Context, tx *store.Tx) error {
			_, err := (&verification.Desk{Keys: s.Keys, Site: s.site}).Prove(ctx, tx, verification.Attempt{Ref: yui.Ref, Person: p.Account, Session: "s",
				Door: verification.SignIn, Method: account.TOTP, Code: "000000"})
			return err
		})
		if s.count("second_step_state where stopped_at is not null") != 1 {
			t.Error("the cap was forgotten")
		}
	})
}

// The list of those who are locked says of everybody what his own ledger says.
func TestTheListOfThoseLockedIsWhatTheLedgersSay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga := s.visit(s.admin("Olga Admin"))
		var people []account.Account
		for i, ago := range [][]time.Duration{
			nil, slices.Repeat([]time.Duration{time.Second}, 4), slices.Repeat([]time.Duration{29 * time.Second}, 5), slices.Repeat([]time.Duration{30 * time.Second}, 5),
			slices.Repeat([]time.Duration{59 * time.Second}, 6), slices.Repeat([]time.Duration{time.Minute}, 6), slices.Repeat([]time.Duration{479 * time.Second}, 9),
			slices.Repeat([]time.Duration{481 * time.Second}, 9), slices.Repeat([]time.Duration{59 * time.Minute}, 10), slices.Repeat([]time.Duration{61 * time.Minute}, 10),
			slices.Repeat([]time.Duration{61 * time.Minute}, 40), append(slices.Repeat([]time.Duration{2 * time.Hour}, 40), 59*time.Minute),
		} {
			for _, then := range []string{"", "right", "unlocked"} {
				a := s.user("P " + strconv.Itoa(i) + then)
				s.wrong(a, ago...)
				people = append(people, a)
				s.in(func(ctx context.Context, tx *store.Tx) (err error) {
					switch then {
					case "right":
						_, err = tx.Exec(ctx, `insert into second_step (id, organization_id, holder_id, session_id, door, method, totp_step, at) values ($1, $2, $3, $1, 'signin', 'totp', 1, $4)`,
							secret.ID(), a.Organization, a.ID, store.Micros(tx.Now().Add(-20*time.Second)))
					case "unlocked":
						_, err = tx.Exec(ctx, `insert into second_step_state (organization_id, holder_id, waits_from) values ($1, $2, $3)`,
							a.Organization, a.ID, store.Micros(tx.Now().Add(-25*time.Second)))
					}
					return err
				})
			}
		}
		stopped, void := s.user("Stopped"), s.user("Void")
		s.in(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `insert into second_step_state (organization_id, holder_id, stopped_at, void_at) values ($1, $2, 5, null), ($3, $4, null, 5)`,
				s.org, stopped.ID, s.org, void.ID)
			return err
		})
		foreign := s.add(s.other, "Bruno Brenn", account.GeneralUser, account.TOTP)
		s.wrong(foreign, slices.Repeat([]time.Duration{time.Second}, 12)...)
		want := []string{}
		for _, a := range append(people, stopped, void) {
			l, err := verification.Read(t.Context(), s.DB, s.Keys, a.Ref, w.Clock.Now())
			must(t, err)
			if !l.Again(w.Clock.Now()).IsZero() || l.Stopped || l.Void {
				want = append(want, a.Name)
			}
		}
		found, err := list(t.Context(), s.DB, s.org, search{show: ShowLocked}, w.Clock.Now(), 100)
		must(t, err)
		got := []string{}
		for _, p := range found {
			got = append(got, p.Name)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) || len(want) < 6 || len(want) > 30 {
			t.Errorf("%q, wanted %q", got, want)
		}
		s.is(s.ask(olga, "GET", "/accounts?show=locked"), http.StatusOK, "Waiting", "Stopped", "Void")
	})
}

// The two last able Portal Admins, each about to end the other: one stays.
func TestOfTwoActsAtOnceOneAblePortalAdminStays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		acts := map[string]func(v *session.Visit, a account.Account) int{
			"suspend": func(v *session.Visit, a account.Account) int {
				return s.ask(v, "POST", "/accounts/"+a.ID+"/suspend").Code
			},
			"delete": func(v *session.Visit, a account.Account) int {
				return s.ask(v, "POST", "/accounts/"+a.ID+"/delete").Code
			},
			"demote": func(v *session.Visit, a account.Account) int {
				return s.ask(v, "POST", "/accounts/"+a.ID+"/edit", fill("name", a.Name, "seen", seen(a))...).Code
			},
		}
		for i, pair := range [][2]string{{"suspend", "suspend"}, {"delete", "demote"}, {"demote", "suspend"}, {"delete", "delete"}} {
			org := s.org
			s.in(func(ctx context.Context, tx *store.Tx) (err error) {
				s.org, err = newOrganization(ctx, tx, "Pair "+strconv.Itoa(i))
				return err
			})
			olga, sven := s.admin("Olga "+strconv.Itoa(i)), s.admin("Sven "+strconv.Itoa(i))
			hers, his := passing(s.visit(olga)), passing(s.visit(sven))
			var all sync.WaitGroup
			codes := make([]int, 2)
			all.Go(func() { codes[0] = acts[pair[0]](hers, sven) })
			all.Go(func() { codes[1] = acts[pair[1]](his, olga) })
			all.Wait()
			admins, err := account.Abilities(t.Context(), s.DB, s.org)
			must(t, err)
			if len(account.Able(admins)) != 1 || codes[0] == codes[1] {
				t.Errorf("%v: %v, able: %d", pair, codes, len(account.Able(admins)))
			}
			s.org = org
		}
	})
}

func TestByOneStepAPortalAdminSeesEverybodyAndSuspendsAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		mia, sven, yui := s.oneStep(s.add(s.org, "Mia Admin", account.PortalAdmin, account.TOTP)), s.admin("Sven Admin"), s.user("Yui User")
		for _, path := range []string{"/accounts", "/accounts/" + yui.ID} {
			a := s.ask(mia, "GET", path)
			s.is(a, http.StatusOK, "signed in with 1 step", `href="/setup"`, "Yui User")
			for _, no := range []string{"/accounts/new", "/edit", "/method", "/delete", "/unlock", `/guide"`, `/pass"`, "/address", `type="checkbox"`} {
				if strings.Contains(a.Body.String(), no) {
					t.Errorf("%s offers %s", path, no)
				}
			}
		}
		s.is(s.ask(mia, "GET", "/accounts/"+yui.ID), http.StatusOK, "/suspend")
		s.to(s.ask(mia, "POST", "/accounts/"+yui.ID+"/suspend"), "/accounts/"+yui.ID+"?done=suspend")
		s.is(s.ask(mia, "POST", "/accounts/"+sven.ID+"/suspend"), http.StatusForbidden, "Set up your own 2-step verification first")
		if body := s.ask(mia, "GET", "/accounts/"+sven.ID).Body.String(); strings.Contains(body, "/suspend") {
			t.Error("an enrolled Portal Admin is offered for suspension")
		}
		for _, form := range [][]string{{"/return"}, {"/delete"}, {"/unlock"}, {"/guide"}, {"/edit", "name", "x"}, {"/method", "method", "mailotp"}, {"/pass", "way", "hand", "why", "x"}} {
			if a := s.ask(mia, "POST", "/accounts/"+yui.ID+form[0], append([]string{}, form[1:]...)...); a.Code != http.StatusForbidden {
				t.Errorf("%v: %d", form, a.Code)
			}
		}
		if s.count("audit") != 1 || s.count("account where suspended_at is not null") != 1 {
			t.Error("something else was done")
		}
	})
}

// A change of address acts by a link that lies in a mailbox: in the one of whoever
// asked for it, if he meant ill. It ends with what he may do, like the passes he gave.
func TestWhatAPortalAdminAskedForEndsWithWhatHeMayDo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga := s.visit(s.admin("Olga Admin"))
		for deed, form := range map[string][]string{"suspend": nil, "delete": nil, "edit": {}} {
			sven, yui := s.admin("Sven "+deed), s.user("Yui "+deed)
			asked := func(whose account.Account) string {
				id := secret.ID()
				s.in(func(ctx context.Context, tx *store.Tx) error {
					_, err := tx.Exec(ctx, `insert into address_change (id, organization_id, holder_id, email, email_key, asked_at, asked_by, why, ticket, digest, sent_at, expires_at)
						values ($1, $2, $3, 'x@evil.example', 'x@evil.example', 1, $4, '', '', $5, 1, $6)`,
						id, s.org, whose.ID, sven.ID, []byte(id), store.Micros(tx.Now().Add(time.Hour)))
					return err
				})
				return id
			}
			his, own := asked(yui), asked(sven)
			if form != nil {
				form = fill("name", sven.Name, "seen", s.opened(olga, sven))
			}
			if w := s.ask(olga, "POST", "/accounts/"+sven.ID+"/"+deed, form...); w.Code != http.StatusSeeOther {
				t.Fatalf("%s: %d", deed, w.Code)
			}
			left := 1
			if deed == "delete" { // with all that names him
				left = 0
			}
			if s.count("address_change where id = '"+his+"' and withdrawn_at is not null") != 1 || s.count("address_change where id = '"+own+"' and withdrawn_at is null") != left {
				t.Errorf("%s: what he asked for stands, or his own does not", deed)
			}
		}
	})
}

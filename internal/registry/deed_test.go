package registry

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/organization"
	"nidan/internal/progress"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func TestAnOrganizationComesWithItsFirstPortalAdminOnceHoweverOftenItIsClicked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o := s.operator("Abe")
		s.is(s.ask(o, "GET", "/operator/organizations/new"), http.StatusOK, `name="organization"`, `value="Asia/Tokyo"`)
		var location string
		for range 2 {
			a := s.ask(o, "POST", "/operator/organizations/new", hanako("organization", " Aozora Trading ",
				"authority", "general_user", "method", "mailotp", "id", "x", "verified", "yes")...)
			s.is(a, http.StatusSeeOther)
			if location != "" && location != a.Header().Get("Location") {
				t.Errorf("%s, then %s", location, a.Header().Get("Location"))
			}
			location = a.Header().Get("Location")
		}
		s.counts(map[string]int{
			"organization where name = 'Aozora Trading'": 1,
			"account where name = '佐藤 花子' and authority = 'portal_admin' and method = 'totp' and phone = '0312345678' and language = 'ja'": 1,
			"account": 1, "pass where kind = 'guide' and replaced_at is null": 1, "pass": 1,
			"mail where kind = 'starting-guide' and recipient = 'Hanako@aozora.example'": 1, "mail": 1,
			"audit where act = 'organization:name:added' and chain = 'operators' and actor_kind = 'operator'": 1,
			"audit where act = 'account:person:added' and chain <> 'operators' and actor_kind = 'operator'":   1,
			"audit where act = 'account:guide:given'":                                                         1, "audit": 3,
		})
		s.is(s.ask(o, "GET", location), http.StatusOK, "Added. Aozora Trading", "starting guide open until", "佐藤 花子")
		// Another operator, or the same one later, has not clicked twice.
		other := s.operator("Baba")
		s.is(s.ask(other, "POST", "/operator/organizations/new", hanako("organization", "AOZORA  trading")...), http.StatusUnprocessableEntity,
			"There is an organization of this name already: Aozora Trading", `value="Hanako@aozora.example"`)
		s.is(s.ask(other, "POST", "/operator/organizations/new", hanako("organization", "Another")...), http.StatusUnprocessableEntity,
			"佐藤 花子 of Aozora Trading signs in with this address already")
		w.Clock.Set(w.Clock.Now().Add(11 * time.Minute))
		o.FreshCode = w.Clock.Now()
		s.is(s.ask(o, "POST", "/operator/organizations/new", hanako("organization", "Aozora Trading")...), http.StatusUnprocessableEntity)
		s.counts(map[string]int{"organization": 1, "account": 1, "audit": 3, "mail": 1})
	})
}

func TestWhatIsTypedWrongIsSaidBesideItsFieldAndNothingIsLost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o := s.operator("Abe")
		for field, wrong := range map[string][]string{
			"organization": {"", long, "\u200b", "!?", "a\u2060b", "Operators", "ｏｐｅｒａｔｏｒｓ"},
			"name":         {"", long, "\u2060"},
			"email":        {"", "nobody", "a@b.example, c@d.example", "A <a@b.example>", "a@b.example\r\nBcc: x@evil.example", "abe@portal.example"},
			"phone":        {"", "12", "none"},
			"language":     {"", "fr"},
			"time_zone":    {"", "Mars/Base"},
			"job_title":    {long + long},
		} {
			for _, value := range wrong {
				a := s.ask(o, "POST", "/operator/organizations/new", hanako("organization", "Aozora", field, value)...)
				s.is(a, http.StatusUnprocessableEntity, `id="`+field+`-wrong"`)
				if field != "phone" && !strings.Contains(a.Body.String(), `value="03-1234-5678"`) {
					t.Errorf("%s %q: the phone number is lost", field, value)
				}
			}
		}
		s.counts(map[string]int{"organization": 0, "account": 0, "mail": 0, "audit": 0})
	})
}

func TestOfTwoOperatorsAtOnceOneAddsAndTheOtherSeesWhy(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		visits := []*session.Visit{s.operator("Abe"), s.operator("Baba")}
		var all sync.WaitGroup
		answers := make([]int, len(visits))
		bodies := make([]string, len(visits))
		for i, v := range visits {
			all.Go(func() {
				a := s.ask(v, "POST", "/operator/organizations/new", hanako("organization", "Aozora", "email", v.Person.Name+"@aozora.example")...)
				answers[i], bodies[i] = a.Code, a.Body.String()
			})
		}
		all.Wait()
		if answers[0]+answers[1] != http.StatusSeeOther+http.StatusUnprocessableEntity {
			t.Fatalf("answers %v", answers)
		}
		for i, body := range bodies {
			if answers[i] == http.StatusUnprocessableEntity && !strings.Contains(body, "There is an organization of this name already") {
				t.Errorf("%s", body)
			}
		}
		s.counts(map[string]int{"organization": 1, "account": 1, "address where organization_id <> 'operators'": 1, "mail": 1, "audit": 3})
	})
}

func TestAnotherPortalAdminIsAddedWhereNoneIsAbleAndTheOthersAreTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o, aozora, brenn := s.operator("Abe"), s.organization("Aozora"), s.organization("Brennhof")
		s.admin(aozora, "Never Began", false)
		s.admin(brenn, "Able One", true)
		s.is(s.ask(o, "GET", place(aozora)+"/admins/new"), http.StatusOK, "No Portal Admin of Aozora is able now")
		for range 2 {
			s.is(s.ask(o, "POST", place(aozora)+"/admins/new", hanako()...), http.StatusSeeOther)
		}
		s.counts(map[string]int{
			"account where name = '佐藤 花子'":                1,
			"mail where kind = 'organization-admin'":      1,
			"mail where kind = 'starting-guide'":          1,
			"audit where act = 'account:person:added'":    1,
			"audit where act = 'organization:name:added'": 0,
		})
		for _, method := range []string{"GET", "POST"} {
			s.is(s.ask(o, method, place(brenn)+"/admins/new", hanako("email", "x@brennhof.example")...), http.StatusForbidden, "is able, and can add people")
		}
		s.is(s.ask(o, "POST", place(aozora)+"/admins/new", hanako("email", "able.one@example.jp")...), http.StatusUnprocessableEntity, "Able One of Brennhof")
		s.in(func(ctx context.Context, tx *store.Tx) error { return organization.Suspend(ctx, tx, aozora.ID, "test") })
		for _, method := range []string{"GET", "POST"} {
			s.is(s.ask(o, method, place(aozora)+"/admins/new", hanako("email", "x@aozora.example")...), http.StatusForbidden, "Lift the suspension first")
		}
		s.counts(map[string]int{"account": 3})
	})
}

func TestAGuideGoesToAPortalAdminNeverEnrolledAndReplacesTheOlder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o, aozora := s.operator("Abe"), s.organization("Aozora")
		fresh, able, gone := s.admin(aozora, "Fresh One", false), s.admin(aozora, "Able One", true), s.admin(aozora, "Gone One", false)
		user, once := s.add(aozora, "Ulla User", account.GeneralUser, false), s.admin(aozora, "Once One", false)
		s.in(func(ctx context.Context, tx *store.Tx) error {
			if err := account.Suspend(ctx, tx, gone.Ref, "test"); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `insert into grace_end (address_digest, organization_id, holder_id, ended_at, why, ended_by) values ($1, $2, $3, 1, 'enrolled', 'test')`,
				account.AddressDigest(w.Keys, once.EmailKey), once.Organization, once.ID)
			return err
		})
		guide := func(a account.Account) string { return place(aozora) + "/admins/" + a.ID + "/guide" }
		s.is(s.ask(o, "GET", guide(fresh)), http.StatusOK, "fresh.one@example.jp", "Fresh One")
		for range 2 {
			s.is(s.ask(o, "POST", guide(fresh)), http.StatusSeeOther)
		}
		s.counts(map[string]int{"pass where kind = 'guide'": 2, "pass where replaced_at is null": 1, "mail where kind = 'starting-guide'": 2,
			"audit where act = 'account:guide:given'": 2})
		s.is(s.ask(o, "GET", guide(fresh)), http.StatusOK, "no longer works then")
		for a, part := range map[account.Account]string{able: "set up 2-step verification before", once: "set up 2-step verification before", gone: "suspended", user: ""} {
			for _, method := range []string{"GET", "POST"} {
				s.is(s.ask(o, method, guide(a)), http.StatusForbidden, part)
			}
		}
		s.in(func(ctx context.Context, tx *store.Tx) error { return organization.Suspend(ctx, tx, aozora.ID, "test") })
		s.is(s.ask(o, "POST", guide(fresh)), http.StatusForbidden)
		s.counts(map[string]int{"pass": 2})
	})
}

func TestANameIsChangedOnRecordAndAllPortalAdminsAreTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o, aozora, _ := s.operator("Abe"), s.organization("Aozora"), s.organization("Brennhof")
		s.admin(aozora, "Able One", true)
		s.admin(aozora, "Fresh One", false)
		s.add(aozora, "Ulla User", account.GeneralUser, true)
		s.is(s.ask(o, "GET", place(aozora)+"/name"), http.StatusOK, `value="Aozora"`)
		for wrong, part := range map[string]string{"": "Enter the name", " BRENNHOF": "There is an organization of this name already: Brennhof"} {
			s.is(s.ask(o, "POST", place(aozora)+"/name", "organization", wrong), http.StatusUnprocessableEntity, part)
		}
		for range 2 {
			s.is(s.ask(o, "POST", place(aozora)+"/name", "organization", "AOZORA Holding"), http.StatusSeeOther)
		}
		s.is(s.ask(o, "POST", place(aozora)+"/name", "organization", "Aozora HOLDING"), http.StatusSeeOther) // only its letters
		s.counts(map[string]int{"organization where name = 'Aozora HOLDING' and name_key = 'aozora holding'": 1,
			"mail where kind = 'organization-renamed'": 4, "audit where act = 'organization:name:changed'": 2})
	})
}

func TestASuspensionIsOnceAndTheReturnToo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o, aozora, brenn := s.operator("Abe"), s.organization("Aozora"), s.organization("Brennhof")
		able, elsewhere := s.admin(aozora, "Able One", true), s.admin(brenn, "Bruno Brenn", false)
		s.admin(aozora, "Fresh One", false)
		s.in(func(ctx context.Context, tx *store.Tx) error {
			for i, a := range []account.Account{able, able, elsewhere} {
				if _, _, err := session.Start(ctx, tx, a.Ref, "n", "b", ""); err != nil {
					return err
				}
				if i == 0 {
					continue
				}
				_, err := tx.Exec(ctx, `insert into mail (id, organization_id, holder_id, lane, kind, recipient, subject, body, created_at, due_at, tries, lease_until)
					values ($1, $2, $3, 'bulk', 'reminder', $4, 'x', 'x', 1, 1, 0, 0)`, secret.ID(), a.Organization, a.ID, a.Email)
				if err != nil {
					return err
				}
			}
			return nil
		})
		s.fold()
		s.is(s.ask(o, "GET", place(aozora)+"/suspend"), http.StatusOK, "Aozora is closed to all its people", "1 person is signed in", "2 accounts can no longer sign in",
			"1 reminder that waits", "Imports into it are refused", "2 Portal Admins are told")
		for n, done := range []string{"suspended", "same"} {
			a := s.ask(o, "POST", place(aozora)+"/suspend")
			if want := place(aozora) + "?done=" + done; a.Code != http.StatusSeeOther || a.Header().Get("Location") != want {
				t.Errorf("time %d: %d on to %s", n+1, a.Code, a.Header().Get("Location"))
			}
		}
		s.counts(map[string]int{
			"organization where suspended_at is not null":                                         1,
			"session where ended_why = 'organization suspended'":                                  2,
			"session where ended_at is null and organization_id = '" + brenn.ID + "'":             1,
			"mail where kind = 'reminder' and dropped_at is not null":                             1,
			"mail where kind = 'reminder' and dropped_at is null":                                 1,
			"mail where kind = 'organization-suspended'":                                          2,
			"audit where act = 'organization:standing:suspended' and chain = '" + aozora.ID + "'": 1,
		})
		if whole, err := progress.Whole(t.Context(), w.DB); err != nil || whole.Accounts != 1 {
			t.Errorf("the portal counts %+v, %v", whole, err)
		}
		s.is(s.ask(o, "GET", place(aozora)), http.StatusOK, "Suspended", "by Abe", "/return")
		s.is(s.ask(o, "GET", place(aozora)+"/suspend"), http.StatusSeeOther)
		s.is(s.ask(o, "GET", place(aozora)+"/return"), http.StatusOK, "Aozora is open to its people again", "2 accounts can sign in again")
		for _, done := range []string{"returned", "same"} {
			a := s.ask(o, "POST", place(aozora)+"/return")
			if want := place(aozora) + "?done=" + done; a.Code != http.StatusSeeOther || a.Header().Get("Location") != want {
				t.Errorf("%s: %d on to %s", done, a.Code, a.Header().Get("Location"))
			}
		}
		s.is(s.ask(o, "GET", place(aozora)+"/return"), http.StatusSeeOther)
		s.counts(map[string]int{"organization where suspended_at is not null or suspended_by is not null": 0,
			"mail where kind = 'organization-returned'": 2, "audit where act = 'organization:standing:returned'": 1,
			"session where ended_at is null and organization_id = '" + aozora.ID + "'": 0})
		if whole, err := progress.Whole(t.Context(), w.DB); err != nil || whole.Accounts != 3 {
			t.Errorf("the portal counts %+v, %v", whole, err)
		}
	})
}

func TestOfSuspensionsAtOnceOneIsWrittenDown(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		aozora := s.organization("Aozora")
		s.admin(aozora, "Able One", true)
		var all sync.WaitGroup
		for _, v := range []*session.Visit{s.operator("Abe"), s.operator("Baba"), s.operator("Chiba")} {
			all.Go(func() {
				if a := s.ask(v, "POST", place(aozora)+"/suspend"); a.Code != http.StatusSeeOther {
					t.Errorf("%d", a.Code)
				}
			})
		}
		all.Wait()
		s.counts(map[string]int{"audit": 1, "mail": 1})
	})
}

func TestWhatIsUnknownIsAnsweredLikeWhatNeverWas(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o, aozora, brenn := s.operator("Abe"), s.organization("Aozora"), s.organization("Brennhof")
		bruno := s.admin(brenn, "Bruno Brenn", false)
		for _, id := range []string{secret.ID(), "operators", "%00", "x"} {
			for _, page := range []string{"", "/name", "/suspend", "/return", "/admins/new", "/admins/" + bruno.ID + "/guide"} {
				path := "/operator/organizations/" + id + page
				s.is(s.ask(o, "GET", path), http.StatusNotFound)
				if page != "" {
					s.is(s.ask(o, "POST", path, hanako("organization", "New")...), http.StatusNotFound)
				}
			}
		}
		for _, id := range []string{bruno.ID, secret.ID(), o.Ref.ID, "x"} {
			for _, method := range []string{"GET", "POST"} {
				s.is(s.ask(o, method, place(aozora)+"/admins/"+id+"/guide"), http.StatusNotFound)
			}
		}
		s.counts(map[string]int{"audit": 0, "mail": 0, "pass": 0, "organization where suspended_at is not null": 0})
	})
}

// The gate is asked again in each deed, and the table with it.
func TestAnOperatorWhoseProofIsStaleOrWhoIsNoOperatorChangesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		aozora := s.organization("Aozora")
		fresh := s.admin(aozora, "Fresh One", false)
		stale, ended, admin := s.operator("Abe"), s.operator("Baba"), s.operator("Chiba")
		stale.FreshCode = w.Clock.Now().Add(-24 * time.Hour)
		s.in(func(ctx context.Context, tx *store.Tx) error {
			return session.End(ctx, tx, ended.Ref, ended.Session.ID, "test")
		})
		admin.Ref = account.Ref{Organization: aozora.ID, ID: fresh.ID}
		admin.Person.Authority = account.PortalAdmin
		for _, v := range []*session.Visit{stale, ended, admin, {}} {
			for path, fields := range map[string][]string{"/operator/organizations/new": hanako("organization", "New"), place(aozora) + "/name": {"organization", "New"},
				place(aozora) + "/suspend": nil, place(aozora) + "/return": nil, place(aozora) + "/admins/new": hanako(),
				place(aozora) + "/admins/" + fresh.ID + "/guide": nil} {
				s.is(s.ask(v, "POST", path, fields...), http.StatusForbidden)
			}
		}
		s.counts(map[string]int{"audit": 0, "mail": 0, "pass": 0, "organization": 1})
		report, err := audit.Verify(t.Context(), w.DB, w.Keys, func(int64, int64) {})
		if err != nil || len(report.Broken) > 0 {
			t.Errorf("%v, %v", report.Broken, err)
		}
	})
}

package registry

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nidan/internal/account"
	"nidan/internal/mailotp"
	"nidan/internal/organization"
	"nidan/internal/rollout"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

var link = regexp.MustCompile(`<th scope="row"><a href="/operator/organizations/[0-9a-f-]+">([^<]+)</a>`)

func names(body string) (list []string) {
	for _, found := range link.FindAllStringSubmatch(body, -1) {
		list = append(list, found[1])
	}
	return list
}

func TestOrganizationsAreFoundByNameAddressAndWhoLeadsThem(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o := s.operator("Abe")
		aozora, brenn, gone, percent := s.organization("Aozora Trading"), s.organization("Brennhof"), s.organization("Gone"), s.organization("100% Pure")
		s.organization("㈱白紙")
		s.admin(aozora, "Hanako Sato", true)
		s.admin(aozora, "Grace Later", false)
		s.add(aozora, "Ulla User", account.GeneralUser, true)
		s.admin(brenn, "Bruno Brenn", false)
		s.admin(gone, "Gaston Gone", true)
		stopped := s.admin(percent, "Percy Pure", true)
		s.in(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `insert into second_step_state (organization_id, holder_id, stopped_at) values ($1, $2, 1)`, percent.ID, stopped.ID)
			if err != nil {
				return err
			}
			if err := organization.Suspend(ctx, tx, gone.ID, o.Ref.ID); err != nil {
				return err
			}
			_, err = rollout.Save(ctx, tx, rollout.Plan{Organization: brenn.ID, Opens: tx.Now(), Ends: tx.Now().AddDate(0, 1, 0)}, "test")
			return err
		})
		s.fold()
		all := []string{"㈱白紙", "100% Pure", "Aozora Trading", "Brennhof", "Gone"} // by the canonical form: (株)白紙
		for query, want := range map[string][]string{
			"":                             all,
			"show=unled":                   {"㈱白紙", "100% Pure", "Brennhof"},
			"show=no_admin":                {"㈱白紙"},
			"show=suspended":               {"Gone"},
			"show=nonsense":                all,
			"q=AOZORA":                     {"Aozora Trading"},
			"q=ａｏｚｏｒａ":                     {"Aozora Trading"},
			"q=" + url.QueryEscape("(株)白"): {"㈱白紙"},
			"q=" + url.QueryEscape("%"):    {"100% Pure"},
			"q=_":                          nil,
			"q=%00%ff'":                    nil,
			"q=brenn&show=suspended":       nil,
			"after=" + aozora.ID:           {"Brennhof", "Gone"},
			"after=%00":                    all,
			"after=" + o.Ref.ID:            nil,
		} {
			a := s.ask(o, "GET", "/operator/organizations?"+query)
			s.is(a, http.StatusOK)
			if got := names(a.Body.String()); !slices.Equal(got, want) {
				t.Errorf("%s: %q, wanted %q", query, got, want)
			}
		}
		s.is(s.ask(o, "GET", "/operator/organizations"), http.StatusOK, `data-label="Accounts">3<`, `data-label="Set up">2<`,
			`1 of 2`, `<span class="state ends">0 of 1 able</span>`, "until")
		for address, parts := range map[string][]string{
			"ulla.user%40example.jp":   {"Ulla User", "General User", "Aozora Trading", place(aozora)},
			"BRUNO.Brenn%40Example.JP": {"Bruno Brenn", "Portal Admin", "Brennhof"},
			"abe%40portal.example":     {"Abe, an operator of the portal"},
			"ulla%40example.jp":        {"Nobody signs in with this address"},
		} {
			s.is(s.ask(o, "GET", "/operator/organizations?q="+address), http.StatusOK, parts...)
		}
	})
}

// The filter and account.Able must not contradict each other.
func TestWhoIsAbleInTheListIsWhomTheRecordsCallAble(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		able := map[string]bool{}
		for n, change := range []func(ctx context.Context, tx *store.Tx, a account.Account) error{
			func(context.Context, *store.Tx, account.Account) error { return nil },
			func(ctx context.Context, tx *store.Tx, a account.Account) error {
				return account.Assign(ctx, tx, a.Ref, account.MailOTP, "test")
			},
			func(ctx context.Context, tx *store.Tx, a account.Account) error {
				_, err := mailotp.Enroll(ctx, tx, a.Ref)
				return err
			},
			func(ctx context.Context, tx *store.Tx, a account.Account) error {
				return account.Suspend(ctx, tx, a.Ref, "test")
			},
			func(ctx context.Context, tx *store.Tx, a account.Account) error {
				_, err := tx.Exec(ctx, `insert into second_step_state (organization_id, holder_id, void_at) values ($1, $2, 1)`, a.Organization, a.ID)
				return err
			},
			func(ctx context.Context, tx *store.Tx, a account.Account) error {
				_, err := tx.Exec(ctx, `insert into second_step_state (organization_id, holder_id, stopped_at) values ($1, $2, 1)`, a.Organization, a.ID)
				if err == nil {
					_, err = tx.Exec(ctx, `insert into password (organization_id, holder_id, hash, first_at, set_at, reset_at, weak) values ($1, $2, 'x', 1, 1, 2, false)`, a.Organization, a.ID)
				}
				return err
			},
		} {
			for _, proved := range []bool{true, false} {
				o := s.organization(fmt.Sprintf("%d %t", n, proved))
				a := s.admin(o, fmt.Sprintf("Nr %d %t", n, proved), proved)
				s.in(func(ctx context.Context, tx *store.Tx) error { return change(ctx, tx, a) })
				leaders, err := account.Abilities(t.Context(), w.DB, o.ID)
				must(t, err)
				able[o.Name] = len(account.Able(leaders)) == 1
			}
		}
		list, err := List(t.Context(), w.DB, Search{}, 100)
		must(t, err)
		unled, err := List(t.Context(), w.DB, Search{Show: ShowUnled}, 100)
		must(t, err)
		if len(list) != len(able) {
			t.Fatalf("%d organizations", len(list))
		}
		for _, l := range list {
			if (l.Able == 1) != able[l.Name] || slices.ContainsFunc(unled, func(u Listed) bool { return u.ID == l.ID }) == able[l.Name] {
				t.Errorf("%s: %d able, %t on record", l.Name, l.Able, able[l.Name])
			}
		}
	})
}

func TestTheRegisterGoesOnPageByPageWithoutLosingAnybody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o := s.operator("Abe")
		for i := range 60 {
			s.organization(fmt.Sprintf("Company %d", i))
		}
		seen := map[string]int{}
		next := regexp.MustCompile(`<a href="([^"]+)" rel="next">`)
		pages := 0
		for path := "/operator/organizations?q=company"; path != ""; pages++ {
			body := s.ask(o, "GET", path).Body.String()
			for _, name := range names(body) {
				seen[name]++
			}
			path = ""
			if found := next.FindStringSubmatch(body); found != nil {
				path = found[1]
			}
		}
		if len(seen) != 60 || pages != 3 {
			t.Errorf("%d organizations on %d pages", len(seen), pages)
		}
		for name, n := range seen {
			if n != 1 {
				t.Errorf("%s stands there %d times", name, n)
			}
		}
	})
}

func TestAnOrganizationShowsHowEachPortalAdminStands(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		o, aozora := s.operator("Abe"), s.organization("Aozora")
		s.is(s.ask(o, "GET", place(aozora)), http.StatusOK, "has no Portal Admin", "/admins/new")
		able, fresh, gone := s.admin(aozora, "Able One", true), s.admin(aozora, "Fresh One", false), s.admin(aozora, "Gone One", true)
		s.add(aozora, "Ulla User", account.GeneralUser, true)
		s.in(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `insert into password_reset (id, digest, organization_id, holder_id, created_at, expires_at, aside, needs_approval)
				values ($1, $2, $3, $4, 1, 1, $5, true)`, secret.ID(), []byte("x"), able.Organization, able.ID, []byte("x"))
			if err != nil {
				return err
			}
			return account.Suspend(ctx, tx, gone.Ref, "test")
		})
		page := s.ask(o, "GET", place(aozora))
		s.is(page, http.StatusOK, "Able One", "Never set up", "Suspended", "/admins/"+fresh.ID+"/guide", "/operator/passes/"+aozora.ID+"/"+able.ID,
			"/operator/addresses/"+aozora.ID+"/"+fresh.ID, "/operator/resets/"+aozora.ID+"/"+able.ID, "/operator/networks/"+aozora.ID, "A new password waits for approval")
		for _, not := range []string{"Ulla", "/admins/new", "/admins/" + able.ID + "/guide", "/operator/passes/" + aozora.ID + "/" + gone.ID,
			"/operator/resets/" + aozora.ID + "/" + fresh.ID} {
			if strings.Contains(page.Body.String(), not) {
				t.Errorf("%q is on the page", not)
			}
		}
		japanese := s.ask(o, "GET", place(aozora)+"?lang=ja").Body.String()
		if !strings.Contains(japanese, "未設定") || !strings.Contains(japanese, "操作できます") {
			t.Errorf("in Japanese:\n%s", japanese)
		}
	})
}

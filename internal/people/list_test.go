package people

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
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

var link = regexp.MustCompile(`<th scope="row"><a href="/accounts/[^"]+">([^<]+)</a>`)

func names(body string) (list []string) {
	for _, found := range link.FindAllStringSubmatch(body, -1) {
		list = append(list, found[1])
	}
	return list
}

func TestTheListIsOfTheOwnOrganizationWithSearchAndFilters(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga := s.visit(s.admin("Olga Admin"))
		s.user("山田 太郎")
		s.user("Percy 100%")
		gone := s.user("Gone Away")
		s.add(s.org, "Mia Mail", account.GeneralUser, account.MailOTP, account.MailOTP)
		s.add(s.other, "Bruno Brenn", account.PortalAdmin, account.TOTP, account.TOTP)
		s.in(func(ctx context.Context, tx *store.Tx) error { return account.Suspend(ctx, tx, gone.Ref, "test") })
		for query, want := range map[string][]string{
			"":                              {"Gone Away", "Mia Mail", "Olga Admin", "Percy 100%", "山田 太郎"},
			"show=open":                     {"Percy 100%", "山田 太郎"},
			"show=enrolled":                 {"Mia Mail", "Olga Admin"},
			"show=suspended":                {"Gone Away"},
			"show=nonsense":                 {"Gone Away", "Mia Mail", "Olga Admin", "Percy 100%", "山田 太郎"},
			"q=山田太郎":                        {"山田 太郎"},
			"q=MIA.MAIL@":                   {"Mia Mail"},
			"q=olga+admin":                  {"Olga Admin"},
			"q=" + url.QueryEscape("%"):     {"Percy 100%"},
			"q=_":                           nil,
			"q=bruno":                       nil,
			"q=%00%ff'":                     nil,
			"q=mia&show=open":               nil,
			"after=" + gone.ID + "goneaway": {"Mia Mail", "Olga Admin", "Percy 100%", "山田 太郎"},
			"after=%00":                     {"Gone Away", "Mia Mail", "Olga Admin", "Percy 100%", "山田 太郎"},
		} {
			a := s.ask(olga, "GET", "/accounts?"+query)
			s.is(a, http.StatusOK)
			if got := names(a.Body.String()); !slices.Equal(got, want) {
				t.Errorf("%s: %q, wanted %q", query, got, want)
			}
		}
	})
}

func TestTheListGoesOnPageByPageWithoutLosingAnybody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga := s.visit(s.admin("Olga Admin"))
		want := map[string]bool{"Olga Admin": true}
		for i := range 60 {
			name := fmt.Sprintf("Same %d", i/3) // three of each name
			a := s.add(s.org, fmt.Sprintf("Nr %d", i), account.GeneralUser, account.TOTP)
			s.in(func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, `update account set name = $1, name_key = $2 where id = $3`, name, account.NameKey(name), a.ID)
				return err
			})
			want[name] = true
		}
		next, seen, pages := "/accounts", 0, 0
		for ; next != "" && pages < 10; pages++ {
			body := s.ask(olga, "GET", next).Body.String()
			seen += len(names(body))
			found := regexp.MustCompile(`href="([^"]+)" rel="next"`).FindStringSubmatch(body)
			if next = ""; found != nil {
				next = found[1]
			}
		}
		if seen != 61 || pages != 3 {
			t.Errorf("%d people on %d pages", seen, pages)
		}
	})
}

// Every address of this room, for an id of another organization and one that never
// was: the same answer, and nothing done.
func TestAnIDOfAnotherOrganizationIsLikeOneThatNeverWas(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga := s.visit(s.admin("Olga Admin"))
		foreign := s.add(s.other, "Bruno Brenn", account.GeneralUser, account.TOTP)
		s.admin("Second Admin")
		for _, ask := range [][]string{
			{"GET", ""}, {"GET", "/method"}, {"POST", "/method", "method", "mailotp"}, {"GET", "/mailbox"}, {"POST", "/mailbox", "code", "12345678"},
			{"GET", "/pass"}, {"POST", "/pass", "way", "hand", "why", "x"}, {"POST", "/pass", "act", "withdraw"},
			{"GET", "/edit"}, {"POST", "/edit", "name", "x"}, {"GET", "/request"}, {"POST", "/request", "answer", "grant"},
			{"GET", "/suspend"}, {"POST", "/suspend"}, {"GET", "/return"}, {"POST", "/return"}, {"GET", "/delete"}, {"POST", "/delete"},
			{"GET", "/guide"}, {"POST", "/guide"}, {"GET", "/unlock"}, {"POST", "/unlock"},
		} {
			want := s.ask(olga, ask[0], "/accounts/"+secret.ID()+ask[1], ask[2:]...)
			for _, id := range []string{foreign.ID, "nobody", "%00", strings.Repeat("a", 36)} {
				got := s.ask(olga, ask[0], "/accounts/"+id+ask[1], ask[2:]...)
				body := regexp.MustCompile(`/accounts/[^"?]*`).ReplaceAllString(got.Body.String(), "")
				if got.Code != http.StatusNotFound || body != regexp.MustCompile(`/accounts/[^"?]*`).ReplaceAllString(want.Body.String(), "") {
					t.Errorf("%v of %q: %d", ask, id, got.Code)
				}
			}
		}
		many := s.ask(olga, "GET", "/accounts/passes?id="+foreign.ID)
		s.is(many, http.StatusOK, "Nobody was chosen")
		s.is(s.ask(olga, "POST", "/accounts/passes", "ids", foreign.ID, "way-"+foreign.ID, "hand", "why", "x"), http.StatusUnprocessableEntity)
		if s.count("pass") != 0 || s.count("account") != 3 || s.count("account where suspended_at is not null") != 0 || s.methodOf(foreign) != account.TOTP || s.count("audit") != 0 || s.count("mail") != 0 {
			t.Error("something was done")
		}
	})
}

func TestTheListTellsWhomMailDoesNotReachAtTheAddressOfNow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		olga, yui := s.visit(s.admin("Olga Admin")), s.user("Yui User")
		for _, address := range []string{"an.older@address.example", yui.Email} {
			if body := s.ask(olga, "GET", "/accounts").Body.String(); strings.Contains(body, "Mail does not arrive") {
				t.Error("told of an address that is no longer his")
			}
			s.in(func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, `insert into undeliverable (organization_id, holder_id, recipient, source, status, words, since_at, latest_at, mails)
					values ($1, $2, $3, 'bounce', '5.1.1', 'no such user', $4, $4, 1)`, yui.Organization, yui.ID, address, store.Micros(tx.Now()))
				return err
			})
		}
		s.is(s.ask(olga, "GET", "/accounts"), http.StatusOK, "Mail does not arrive")
		s.is(s.ask(olga, "GET", "/accounts/"+yui.ID), http.StatusOK, "has not arrived since")
		if n := len(names(s.ask(olga, "GET", "/accounts").Body.String())); n != 2 {
			t.Errorf("%d people of two", n)
		}
	})
}

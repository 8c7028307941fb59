package session

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/store"
)

var noon = time.Date(2018, 3, 10, 12, 0, 0, 0, time.UTC)

const moment = time.Microsecond

func TestASessionCountsUntilItIdledOrGrewOld(t *testing.T) {
	s := Session{ID: "s", Started: noon, PasswordAt: noon, Seen: noon}
	busy := s
	busy.Seen = noon.Add(12*time.Hour - time.Minute)
	for _, c := range []struct {
		name    string
		session Session
		now     time.Time
		live    bool
	}{
		{"at once", s, noon, true},
		{"just before 30 idle minutes", s, noon.Add(30*time.Minute - moment), true},
		{"after 30 idle minutes", s, noon.Add(30 * time.Minute), false},
		{"busy, just before 12 hours", busy, noon.Add(12*time.Hour - moment), true},
		{"busy, after 12 hours", busy, noon.Add(12 * time.Hour), false},
		{"the zero session", Session{}, time.Time{}, false},
		{"one that was not found, whatever its instants", Session{Started: noon, Seen: noon}, noon, false},
	} {
		if got := c.session.Live(c.now); got != c.live {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestEachProofIsFreshAsLongAsSaid(t *testing.T) {
	s := Session{ID: "s", PasswordAt: noon, FreshPassword: noon, FreshCode: noon, Seen: noon}
	for _, c := range []struct {
		name  string
		holds func(Session, time.Time) bool
		until time.Duration
	}{
		{"pending", Session.Pending, 10 * time.Minute},
		{"fresh code", Session.CodeFresh, 15 * time.Minute},
		{"fresh password", Session.PasswordFresh, 15 * time.Minute},
		{"not stale", func(s Session, now time.Time) bool { return !s.Stale(now) }, time.Minute},
	} {
		if !c.holds(s, noon) || !c.holds(s, noon.Add(c.until-moment)) || c.holds(s, noon.Add(c.until)) {
			t.Errorf("%s does not hold from noon until just before %s later", c.name, c.until)
		}
		if c.holds(Session{}, noon) {
			t.Errorf("%s holds for the zero session", c.name)
		}
	}
	// Also at the zero instant, which a clock that was never set would tell.
	if (Session{}).CodeFresh(time.Time{}) || (Session{}).PasswordFresh(time.Time{}) {
		t.Error("what was never proved is fresh")
	}
}

func TestABrowsersNameIsKeptShortAndInTextThatBothEnginesTake(t *testing.T) {
	for agent, want := range map[string]string{
		"Firefox": "Firefox", "": "", strings.Repeat("狐", 300): strings.Repeat("狐", 200), "\xff\xfe": "\ufffd\ufffd",
	} {
		if got := Clip(agent); got != want || !utf8.ValidString(got) {
			t.Errorf("%.20q: %.20q", agent, got)
		}
	}
}

func TestTheCookieIsTakenAloneAndShort(t *testing.T) {
	for _, c := range []struct {
		name, header string
		secure       bool
		want         string
	}{
		{"over https", "__Host-nidan=abc", true, "abc"},
		{"among others", "x=1; __Host-nidan=abc; y=2", true, "abc"},
		{"twice: somebody has planted one", "__Host-nidan=abc; __Host-nidan=def", true, ""},
		{"without the prefix: any subdomain can set it", "nidan=abc", true, ""},
		{"on loopback", "nidan=abc", false, "abc"},
		{"none", "", true, ""},
		{"64 characters", "__Host-nidan=" + strings.Repeat("a", 64), true, strings.Repeat("a", 64)},
		{"65 characters", "__Host-nidan=" + strings.Repeat("a", 65), true, ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", c.header)
		if got := Token(r, &page.Site{Options: page.Options{Secure: c.secure}}); got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func TestTheCookieIsGivenForThisHostAloneAndTakenBack(t *testing.T) {
	for _, secure := range []bool{true, false} {
		site := &page.Site{Options: page.Options{Secure: secure}}
		w := httptest.NewRecorder()
		Give(w, site, "abc")
		cookie := w.Result().Cookies()[0]
		if cookie.Value != "abc" || !cookie.HttpOnly || cookie.Secure != secure || cookie.SameSite != http.SameSiteLaxMode ||
			cookie.Path != "/" || cookie.Domain != "" || strings.HasPrefix(cookie.Name, "__Host-") != secure {
			t.Errorf("%s", cookie)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(cookie)
		if got := Token(r, site); got != "abc" {
			t.Errorf("it comes back as %q", got)
		}
		w = httptest.NewRecorder()
		Take(w, site)
		if gone := w.Result().Cookies()[0]; gone.Name != cookie.Name || gone.Value != "" || gone.MaxAge >= 0 {
			t.Errorf("%s", gone)
		}
	}
}

func TestAVisitIsAStrangersUntilTheGateSaysOtherwise(t *testing.T) {
	stranger := Of(t.Context())
	if stranger.Operator() || stranger.Admin() || stranger.TwoStep || stranger.OneStep || stranger.Actor().Kind != audit.KindStranger {
		t.Errorf("%+v", stranger)
	}
	err := stranger.Still(t.Context(), nil)
	if f := fault.Of(err); f == nil || f.Kind != fault.Refused {
		t.Errorf("without a gate: %v", err)
	}
	v := &Visit{}
	if Of(With(t.Context(), v)) != v {
		t.Error("not the visit that was handed over")
	}
	asked := 0
	v.Again = func(context.Context, *store.Tx) error { asked++; return store.ErrNone }
	if err := v.Still(t.Context(), nil); err != store.ErrNone || asked != 1 { //nolint:errorlint // the very one
		t.Errorf("asked %d times: %v", asked, err)
	}
}

func TestTheRecordNamesWhoActs(t *testing.T) {
	admin := account.Account{Authority: account.PortalAdmin}
	for _, c := range []struct {
		name  string
		visit Visit
		kind  audit.Kind
		admin bool
	}{
		{"a Portal Admin", Visit{Session: Session{ID: "s", Ref: account.Ref{Organization: "yamada", ID: "suzuki"}}, Person: admin}, audit.KindAccount, true},
		{"a General User", Visit{Session: Session{ID: "s", Ref: account.Ref{Organization: "yamada", ID: "suzuki"}}}, audit.KindAccount, false},
		{"an operator", Visit{Session: Session{ID: "s", Ref: account.Ref{Organization: organization.Operators, ID: "suzuki"}}, Person: admin}, audit.KindOperator, false},
	} {
		c.visit.From = "192.0.2.1"
		entry := c.visit.Entry("account:method:changed", map[string]string{"to": "totp"})
		want := audit.Entry{Chain: c.visit.Ref.Organization, Act: "account:method:changed", Actor: audit.Actor{Kind: c.kind, ID: "suzuki"},
			Subject: "suzuki", Network: "192.0.2.1", Detail: entry.Detail}
		if c.visit.Admin() != c.admin || entry.Chain != want.Chain || entry.Act != want.Act || entry.Actor != want.Actor ||
			entry.Subject != want.Subject || entry.Network != want.Network || entry.Detail["to"] != "totp" {
			t.Errorf("%s: %+v", c.name, entry)
		}
	}
}

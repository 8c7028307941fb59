package record

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/audit"
	"nidan/internal/clock"
	"nidan/internal/fault"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// scene is the room on a real database, behind a gate that lets everybody pass.
type scene struct {
	storetest.World
	t          *testing.T
	mux        *http.ServeMux
	org, other string
	olga, yui  account.Account // of the one
	bruno      account.Account // of the other
	mika       operator.Operator
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, w storetest.World) *scene {
	t.Helper()
	s := &scene{World: w, t: t, mux: http.NewServeMux()}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	book, err := phrase.NewBook(page.Words, phrase.Words, session.Words, act.Words, Words)
	must(t, err)
	site, err := page.New(book, log, page.Options{Name: "Business Portal", House: phrase.Location("Asia/Tokyo"), Now: w.Clock.Now})
	must(t, err)
	room, err := New(Needs{DB: w.DB, Keys: w.Keys, Site: site})
	must(t, err)
	for _, rt := range room.Routes() {
		s.mux.Handle(rt.Pattern, rt.Serve)
	}
	_, err = clock.Load(t.Context(), w.DB, w.Clock)
	must(t, err)
	s.in(func(ctx context.Context, tx *store.Tx) error {
		for name, id := range map[string]*string{"Aozora Trading": &s.org, "Brennhof": &s.other} {
			o, err := organization.Add(ctx, tx, name)
			if err != nil {
				return err
			}
			*id = o.ID
		}
		add := func(org, name string, authority account.Authority) (a account.Account) {
			if err == nil {
				a, err = account.Add(ctx, tx, w.Keys, account.Account{Ref: account.Ref{Organization: org}, Name: name, Phone: "03",
					Email: strings.ToLower(strings.Fields(name)[0]) + "@people.example", Authority: authority, Language: phrase.English, Zone: "Asia/Tokyo"}, "test")
			}
			return a
		}
		s.olga, s.yui = add(s.org, "Olga Admin", account.PortalAdmin), add(s.org, "Yui User", account.GeneralUser)
		s.bruno = add(s.other, "Bruno Brenn", account.GeneralUser)
		if err != nil {
			return err
		}
		s.mika, err = operator.Add(ctx, tx, operator.Operator{Email: "mika@portal.example", Name: "Mika Operator", Language: "en", Zone: "UTC"}, "test")
		return err
	})
	return s
}

func (s *scene) in(do func(ctx context.Context, tx *store.Tx) error) {
	s.t.Helper()
	must(s.t, s.DB.Write(s.t.Context(), do))
}

// note records an act of somebody on somebody, a minute after the one before.
func (s *scene) note(chain, name string, by audit.Actor, subject, network string, detail ...string) {
	s.t.Helper()
	s.Clock.Set(s.Clock.Now().Add(time.Minute))
	e := audit.Entry{Chain: chain, Act: name, Actor: by, Subject: subject, Network: network, Detail: map[string]string{}}
	for i := 0; i+1 < len(detail); i += 2 {
		e.Detail[detail[i]] = detail[i+1]
	}
	s.in(func(ctx context.Context, tx *store.Tx) error { return audit.Record(ctx, tx, s.Keys, e) })
}

func by(a account.Account) audit.Actor { return audit.Actor{Kind: audit.KindAccount, ID: a.ID} }

var stranger = audit.Actor{Kind: audit.KindStranger, ID: "-"}

func (s *scene) operator() *session.Visit {
	return &session.Visit{Session: s.proved(s.mika.Ref()), TwoStep: true, From: "192.0.2.1/32", Again: allowed,
		Person: account.Account{Ref: s.mika.Ref(), Name: s.mika.Name}}
}

func (s *scene) admin() *session.Visit {
	return &session.Visit{Session: s.proved(s.olga.Ref), TwoStep: true, From: "203.0.113.9/32", Again: allowed, Person: s.olga}
}

func (s *scene) proved(ref account.Ref) session.Session {
	now := s.Clock.Now()
	return session.Session{Ref: ref, ID: "s-1", Started: now, CodeAt: now, FreshCode: now, Seen: now}
}

func allowed(context.Context, *store.Tx) error { return nil }

func (s *scene) ask(v *session.Visit, path string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r.WithContext(session.With(s.t.Context(), v)))
	body := w.Body.String()
	if strings.Contains(w.Header().Get("Content-Type"), "html") {
		body = html.UnescapeString(body)
	}
	if strings.Contains(body, "[record.") || strings.Contains(body, "ZgotmplZ") {
		s.t.Errorf("%s: a phrase or a link is missing:\n%s", path, body)
	}
	w.Body = bytes.NewBufferString(body)
	return w
}

func (s *scene) is(w *httptest.ResponseRecorder, status int, parts ...string) string {
	s.t.Helper()
	if w.Code != status {
		s.t.Fatalf("%d, wanted %d:\n%s", w.Code, status, w.Body)
	}
	for _, part := range parts {
		if !strings.Contains(w.Body.String(), part) {
			s.t.Errorf("%q is not in\n%s", part, w.Body)
		}
	}
	return w.Body.String()
}

var rowLink = regexp.MustCompile(`href="/operator/audit/([^/"]+/\d+)"`)

func links(body string) (list []string) {
	for _, match := range rowLink.FindAllStringSubmatch(body, -1) {
		list = append(list, match[1])
	}
	return list
}

func TestTheRecordIsSearchedByWhoWhomWhatWhenAndWhereFrom(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		start := s.Clock.Now()
		s.note(s.org, "account:method:changed", by(s.olga), s.yui.ID, "203.0.113.9/32", "from", "totp", "to", "mailotp")
		s.note(s.other, "account:password:refused", stranger, s.bruno.ID, "2001:db8:1:2::/64")
		s.note(audit.Operators, "account:password:refused", stranger, "-", "203.0.113.9/32")
		middle := s.Clock.Now().Add(30 * time.Second)
		s.note(audit.Operators, "portal:operator:added", audit.Actor{Kind: audit.KindConsole, ID: "root"}, s.mika.ID, "")
		s.note(s.org, "account:person:deleted", by(s.olga), "01900000-0000-7000-8000-00000000dead", "203.0.113.9/32", "name", "Gone Person")
		a, b, o := s.org+"/", s.other+"/", "operators/"
		at := func(t time.Time) string { return url.QueryEscape(t.UTC().Format(time.RFC3339)) }
		for query, want := range map[string][]string{
			"":                                          {a + "2", o + "2", o + "1", b + "1", a + "1"},
			"chain=aozora+TRADING":                      {a + "2", a + "1"},
			"chain=operators":                           {o + "2", o + "1"},
			"chain=Operators":                           {o + "2", o + "1"},
			"chain=" + s.other:                          {b + "1"},
			"chain=nobody":                              nil,
			"act=account:password:refused":              {o + "1", b + "1"},
			"act=account":                               {a + "2", o + "1", b + "1", a + "1"},
			"act=never:was:done":                        nil,
			"actor=OLGA@people.example":                 {a + "2", a + "1"},
			"actor=" + s.olga.ID:                        {a + "2", a + "1"},
			"actor=root":                                {o + "2"},
			"subject=yui@people.example":                {a + "1"},
			"subject=mika@portal.example":               {o + "2"},
			"subject=nobody@people.example":             nil,
			"actor=nobody@people.example":               nil,
			"network=203.0.113.9":                       {a + "2", o + "1", a + "1"},
			"network=2001:db8:1:2::77":                  {b + "1"},
			"network=::ffff:203.0.113.9":                {a + "2", o + "1", a + "1"},
			"from=" + at(middle):                        {a + "2", o + "2"},
			"until=" + at(middle):                       {o + "1", b + "1", a + "1"},
			"from=" + at(start) + "&until=" + at(start): nil,
			"chain=Aozora+Trading&act=account&subject=yui@people.example": {a + "1"},
			"subject=%27+or+1%3D1": nil,
		} {
			body := s.is(s.ask(s.operator(), "/operator/audit?"+query), http.StatusOK)
			if got := links(body); !slices.Equal(got, want) {
				t.Errorf("%s: %v, wanted %v", query, got, want)
			}
		}
		s.is(s.ask(s.operator(), "/operator/audit"), http.StatusOK, "The second verification was changed", "Yui User", "Olga Admin", "Gone Person", "Aozora Trading", "root", "Somebody unknown")
		s.is(s.ask(s.operator(), "/operator/audit?lang=ja"), http.StatusOK, "二段階目の認証を変更", "監査記録")
		s.is(s.ask(s.operator(), "/operator/audit?network=office&from=yesterday&subject=kept"), http.StatusUnprocessableEntity, "This is no address", `value="office"`, `value="yesterday"`, `value="kept"`)
	})
}

func TestARowHasItsOwnPageWithItsPlaceInTheChain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		for i := range 4 {
			s.note(s.org, "account:method:changed", by(s.olga), s.yui.ID, "203.0.113.9/32", "from", fmt.Sprint(i), "to", "<b>mailotp</b>")
		}
		place := "/operator/audit/" + s.org + "/"
		body := s.is(s.ask(s.operator(), place+"2"), http.StatusOK, "Intact", "<b>mailotp</b>", place+"1", place+"3", "/operator/audit?subject="+s.yui.ID)
		if digests := regexp.MustCompile(`[0-9a-f]{64}`).FindAllString(body, -1); len(digests) != 2 || digests[0] == digests[1] {
			t.Errorf("digests: %v", digests)
		}
		s.is(s.ask(s.operator(), place+"1"), http.StatusOK, "Intact")
		s.is(s.ask(s.operator(), place+"4"), http.StatusOK, "Intact")
		for _, gone := range []string{place + "5", place + "0", place + "-1", place + "x", "/operator/audit/nobody/1", "/operator/audit/%00/1", "/operator/audit/" + s.other + "/1"} {
			s.is(s.ask(s.operator(), gone), http.StatusNotFound, "There is no such row")
		}
		for _, c := range []struct {
			do, row string
			says    []string
		}{
			{`update audit set subject = 'x' where seq = 2`, "2", []string{"Broken", "not as it was written"}},
			{`delete from audit where seq = 2`, "3", []string{"Broken", "does not follow the row before it"}},
			{`update audit set previous = digest where seq = 3`, "2", []string{"Broken", "The row behind it does not follow it"}},
		} {
			undo := errors.New("undo")
			err := s.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if _, err := tx.Exec(ctx, c.do); err != nil {
					return err
				}
				seq := int64(c.row[0] - '0')
				p, err := audit.Look(ctx, tx, s.Keys, s.org, seq)
				if err != nil {
					return err
				}
				if p.Intact && p.Follows && p.Continued {
					t.Errorf("%s: row %s is taken for whole", c.do, c.row)
				}
				return undo
			})
			if !errors.Is(err, undo) {
				t.Error(err)
			}
		}
		s.in(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update audit set subject = 'x' where seq = 2`)
			return err
		})
		s.is(s.ask(s.operator(), place+"2"), http.StatusOK, "Broken", "not as it was written", "nidan audit verify")
	})
}

func TestTheRecordGoesOnPageByPageWithoutLosingARow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		s.in(func(ctx context.Context, tx *store.Tx) error { // 130 of one instant in two chains
			for i := range 65 {
				for _, chain := range []string{s.org, s.other} {
					if err := audit.Record(ctx, tx, s.Keys, audit.Entry{Chain: chain, Act: "account:person:added", Actor: by(s.olga), Subject: fmt.Sprint(i)}); err != nil {
						return err
					}
				}
			}
			return nil
		})
		next, seen, pages := "/operator/audit?act=account:person:added", map[string]bool{}, 0
		for ; next != "" && pages < 9; pages++ {
			body := s.is(s.ask(s.operator(), next), http.StatusOK)
			for _, row := range links(body) {
				seen[row] = true
			}
			match := regexp.MustCompile(`href="([^"]+)" rel="next"`).FindStringSubmatch(body)
			if next = ""; match != nil {
				next = match[1]
			}
		}
		if len(seen) != 130 || pages != 3 {
			t.Errorf("%d rows on %d pages", len(seen), pages)
		}
		s.is(s.ask(s.operator(), "/operator/audit?before=x.y.z"), http.StatusOK)
		s.is(s.ask(s.operator(), "/operator/audit?before=9.9."+url.QueryEscape("' or")), http.StatusOK)
	})
}

func TestACopyHoldsWhatIsFilteredAndIsItselfRecorded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		s.note(s.org, "account:method:changed", by(s.olga), s.yui.ID, "203.0.113.9/32", "why", "=HYPERLINK(1)")
		s.note(s.other, "account:password:refused", stranger, s.bruno.ID, "203.0.113.9/32")
		s.Clock.Set(s.Clock.Now().Add(time.Minute))
		answer := s.ask(s.operator(), "/operator/audit/export?format=jsonl&chain=Aozora+Trading")
		var line map[string]any
		if err := json.Unmarshal(answer.Body.Bytes(), &line); err != nil || line["act"] != "account:method:changed" || line["digest"] == "" {
			t.Errorf("%v: %s", err, answer.Body)
		}
		if got := answer.Header().Get("Content-Disposition"); !strings.Contains(got, "attachment") || !strings.Contains(got, ".jsonl") || answer.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%v", answer.Header())
		}
		cef := s.is(s.ask(s.operator(), "/operator/audit/export?format=cef&lang=ja"), http.StatusOK)
		if lines := strings.Split(strings.TrimSpace(cef), "\n"); len(lines) != 4 || !strings.Contains(lines[0], "|The second verification was changed|") || !strings.Contains(lines[0], "duser=yui@people.example") {
			t.Errorf("%q", lines)
		}
		table := s.is(s.ask(s.operator(), "/operator/audit/export?format=csv&act=account:method:changed"), http.StatusOK)
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(table, "\uFEFF"))).ReadAll()
		if err != nil || len(rows) != 2 || rows[1][8] != "Olga Admin" || rows[1][10] != "Yui User" {
			t.Errorf("%v: %q", err, rows)
		}
		var taken int
		must(t, s.DB.QueryRow(t.Context(), `select count(*) from audit where act = 'record:rows:exported' and chain = 'operators' and actor_kind = 'operator'`).Scan(&taken))
		if taken != 3 {
			t.Errorf("%d copies are recorded", taken)
		}
		for _, wrong := range []string{"format=xml", "format=", "format=csv&network=office"} {
			if a := s.ask(s.operator(), "/operator/audit/export?"+wrong); a.Code != http.StatusSeeOther {
				t.Errorf("%s: %d", wrong, a.Code)
			}
		}
		stale := s.operator()
		stale.FreshCode = stale.FreshCode.Add(-time.Hour)
		s.is(s.ask(stale, "/operator/audit/export?format=csv"), http.StatusForbidden)
		ended := s.operator()
		ended.Again = func(context.Context, *store.Tx) error { return fault.New(fault.Refused, "session.refused") }
		s.is(s.ask(ended, "/operator/audit/export?format=csv"), http.StatusForbidden)
		s.is(s.ask(s.admin(), "/operator/audit/export?format=csv"), http.StatusForbidden)
	})
}

func TestAFormulaInACopyIsNotCalculated(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	s := open(t, w)
	s.note(s.org, "account:pass:given", by(s.olga), "=cmd|' /C calc'!A0", "")
	for _, row := range strings.Split(s.is(s.ask(s.operator(), "/operator/audit/export?format=csv"), http.StatusOK), "\r\n") {
		if strings.Contains(row, ",=cmd") || strings.HasPrefix(row, "=") {
			t.Errorf("a cell is a formula: %s", row)
		}
	}
}

func (s *scene) signIns() {
	s.note(s.org, actPassword, by(s.yui), s.yui.ID, "203.0.113.9/32", "next", "code")
	s.note(s.org, actCode, by(s.yui), s.yui.ID, "203.0.113.9/32", "door", "signin", "method", "totp")
	s.note(s.org, actCode, by(s.yui), s.yui.ID, "203.0.113.9/32", "door", "confirm", "method", "totp")
	s.note(s.org, actPassword, by(s.yui), s.yui.ID, "203.0.113.9/32", "door", "confirm")
	s.note(s.org, "account:method:changed", by(s.olga), s.yui.ID, "203.0.113.9/32", "door", `"door":"signin"`)
	s.note(s.org, actPasswordWrong, stranger, s.olga.ID, "198.51.100.7/32")
	s.note(s.org, actPassword, by(s.olga), s.olga.ID, "203.0.113.9/32", "next", "admitted")
	s.note(s.other, actPasswordWrong, stranger, s.bruno.ID, "198.51.100.9/32")
}

func TestAPortalAdminSeesTheSignInsOfTheOwnOrganizationAndNoOthers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		s.signIns()
		count := func(body string) int { return strings.Count(body, `<th scope="row">`) }
		body := s.is(s.ask(s.admin(), "/history"), http.StatusOK, "Signed in, with TOTP", "Right password; a second step was asked", "Wrong password", "Signed in by 1 step",
			"198.51.100.7/32", "Yui User", "JST")
		if count(body) != 4 || strings.Contains(body, "Bruno") || strings.Contains(body, "198.51.100.9") {
			t.Errorf("%d rows of four:\n%s", count(body), body)
		}
		for query, want := range map[string]int{"person=" + s.yui.ID: 2, "person=YUI@people.example": 2, "person=" + s.olga.ID + "&days=7": 2, "days=400": 4, "days=x": 4} {
			if got := count(s.is(s.ask(s.admin(), "/history?"+query), http.StatusOK)); got != want {
				t.Errorf("%s: %d, wanted %d", query, got, want)
			}
		}
		strip := regexp.MustCompile(`(person=|value=")[^&"]*`)
		want := ""
		for _, person := range []string{s.bruno.ID, "01900000-0000-7000-8000-000000000000", "bruno@people.example", "nobody@people.example", "mika@portal.example", s.mika.ID, "%00'"} {
			got := strip.ReplaceAllString(s.is(s.ask(s.admin(), "/history?person="+person), http.StatusOK, "No sign-in was found"), "")
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%s: not like one that never was", person)
			}
		}
		table := s.is(s.ask(s.admin(), "/history.csv?person="+s.yui.ID), http.StatusOK, "yui@people.example")
		if n := strings.Count(table, "\r\n"); n != 3 {
			t.Errorf("%d lines: %s", n, table)
		}
		if whole := s.is(s.ask(s.admin(), "/history.csv"), http.StatusOK); strings.Contains(whole, "bruno") || strings.Count(whole, "\r\n") != 5 {
			t.Errorf("%s", whole)
		}
		s.is(s.ask(s.operator(), "/history.csv"), http.StatusForbidden)
		if body := s.is(s.ask(&session.Visit{}, "/history"), http.StatusOK); count(body) != 0 {
			t.Error("a stranger sees something")
		}
		s.Clock.Set(s.Clock.Now().AddDate(0, 0, 8))
		if got := count(s.is(s.ask(s.admin(), "/history?days=7"), http.StatusOK)); got != 0 {
			t.Errorf("%d rows after eight days", got)
		}
		var n int
		must(t, s.DB.QueryRow(t.Context(), `select count(*) from audit where act = 'organization:history:exported' and chain = $1`, s.org).Scan(&n))
		if n != 2 {
			t.Errorf("%d copies are recorded", n)
		}
	})
}

func TestRefusedSignInsAreCountedAlikeBeforeAndAfterTheyAreAddedUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		s.Clock.Set(s.Clock.Now().Truncate(time.Hour).Add(2 * time.Minute))
		from := s.Clock.Now().Add(-time.Hour)
		fold := func() { s.in(Fold) }
		tell := func() string {
			hours, err := Hours(t.Context(), s.DB, from)
			must(t, err)
			text := ""
			for _, h := range hours {
				text += fmt.Sprint(h.Passwords, h.Codes, h.Passes, h.Guides, h.Resets, " ")
			}
			return text
		}
		added := func() (n int) {
			must(t, s.DB.QueryRow(t.Context(), `select coalesce(sum(refused), 0) from record_hour`).Scan(&n))
			return n
		}
		fold()
		for _, a := range []string{actPasswordWrong, actPasswordWrong, actCodeWrong, actPassWrong, actGuide, actReset, actPassword} {
			s.note(s.org, a, stranger, s.yui.ID, "")
		}
		if got := tell(); got != "2 1 1 1 1 " || added() != 0 {
			t.Errorf("in the hour: %q, %d", got, added())
		}
		s.Clock.Set(s.Clock.Now().Truncate(time.Hour).Add(61 * time.Minute))
		fold() // the hour is over, but a slow deed of its end may still be committed
		s.note(s.other, actPasswordWrong, stranger, s.bruno.ID, "")
		if got := tell(); got != "2 1 1 1 1 1 0 0 0 0 " || added() != 0 {
			t.Errorf("a minute after it: %q, %d", got, added())
		}
		s.Clock.Set(s.Clock.Now().Truncate(time.Hour).Add(11 * time.Minute))
		for range 3 {
			fold()
			if got := tell(); got != "2 1 1 1 1 1 0 0 0 0 " || added() != 6 {
				t.Errorf("added up: %q, %d", got, added())
			}
		}
		s.Clock.Set(s.Clock.Now().Add(3 * time.Hour))
		fold()
		s.Clock.Set(s.Clock.Now().Add(-2 * time.Hour))
		s.Clock.Accept()
		fold()
		if got := tell(); got != "2 1 1 1 1 1 0 0 0 0 " {
			t.Errorf("after a clock was set back: %q", got)
		}
		s.is(s.ask(s.operator(), "/operator/audit/failures"), http.StatusOK, "<svg", "passwords: 3", "codes: 1", "refused: 3", "act=account%3Apassword%3Arefused")
		s.is(s.ask(s.operator(), "/operator/audit/failures?days=1&lang=ja"), http.StatusOK, "パスワード: 3", "拒否されたサインイン")
		s.Clock.Set(s.Clock.Now().AddDate(0, 0, 9))
		s.is(s.ask(s.operator(), "/operator/audit/failures?days=7"), http.StatusOK, "Nothing was refused in this time")
	})
}

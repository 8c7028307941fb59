package maintenance

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/operator"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// scene is the room on a real database, behind a gate that lets everybody pass.
type scene struct {
	storetest.World
	t     *testing.T
	mux   *http.ServeMux
	ids   []string // operators: Mori, who acts, and Sato
	marks []Mark
	woken int
}

// unsaid is a phrase that is missing, or a value that nobody filled in.
var unsaid = regexp.MustCompile(`\[[a-z]+\.[a-z_.]+\]|\{[a-z_]+\}|%!|&lt;no value|<no value`)

func open(t *testing.T, w storetest.World) *scene {
	t.Helper()
	s := &scene{World: w, t: t, mux: http.NewServeMux(), ids: staff(t, w)}
	book, err := phrase.NewBook(page.Words, phrase.Words, session.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	site, err := page.New(book, slog.New(slog.DiscardHandler), page.Options{Name: "Business Portal", House: phrase.Location("Asia/Tokyo"), Now: w.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	room, err := New(Needs{DB: w.DB, Keys: w.Keys, Site: site, Wake: func() { s.woken++ },
		Marks: func(context.Context, store.Reader, time.Time, time.Time) ([]Mark, error) { return s.marks, nil }})
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range room.Routes() {
		s.mux.Handle(rt.Pattern, rt.Serve)
	}
	return s
}

// visit is the session of an operator, by his place among the ids.
func (s *scene) visit(n int) *session.Visit {
	o := operator.Operator{ID: s.ids[n]}
	v := &session.Visit{Person: account.Account{Ref: o.Ref(), Name: []string{"Mori", "Sato"}[n], Zone: "Asia/Tokyo"}, TwoStep: true,
		From: "203.0.113.7/32", Again: func(context.Context, *store.Tx) error { return nil }}
	v.Ref, v.Session.ID = o.Ref(), "s"
	return v
}

// ask is a request of Mori's, or of another's where by is given.
func (s *scene) ask(method, path string, form url.Values, by ...int) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r.WithContext(session.With(s.t.Context(), s.visit(append(by, 0)[0]))))
	if found := unsaid.FindString(w.Body.String()); found != "" {
		s.t.Errorf("%s %s says %q", method, path, found)
	}
	return w
}

func (s *scene) windows() []Window {
	s.t.Helper()
	list, err := Windows(s.t.Context(), s.DB)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// record is the acts on windows that were written down, oldest first.
func (s *scene) record() (acts []string) {
	s.t.Helper()
	rows, err := audit.Read(s.t.Context(), s.DB, audit.Filter{Chain: audit.Operators})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, row := range rows {
		if strings.HasPrefix(row.Act, "maintenance:") {
			acts = append(acts, row.Act+" by "+string(row.Actor.Kind))
		}
	}
	return acts
}

func (s *scene) mails() (list []string) {
	s.t.Helper()
	rows, err := s.DB.Query(s.t.Context(), `select recipient, kind, subject from mail order by id`)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var to, kind, subject string
		if err := rows.Scan(&to, &kind, &subject); err != nil {
			s.t.Fatal(err)
		}
		list = append(list, to+" "+kind+" "+subject)
	}
	return list
}

func typed(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values
}

// The portal's clock stands at storetest.Start, 10 March 2018, 12:00 in Tokyo.
func TestAWindowIsPlannedAfterItsPlannerSawWhatWillHappen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		form := typed("opens", "2018-03-17 22:00", "closes", "2018-03-17 24:00", "operator_"+s.ids[1], "yes")
		seen := s.ask("POST", "/operator/windows/new", form)
		if body := seen.Body.String(); seen.Code != 200 || !strings.Contains(body, "The portal is closed from 17 Mar 2018, 22:00 JST (13:00 UTC) to 17 Mar 2018, 24:00 JST (15:00 UTC).") ||
			!strings.Contains(body, "2 hours") || !strings.Contains(body, `value="2018-03-17T13:00:00Z"`) || !strings.Contains(body, "mori") || !strings.Contains(body, "sato") || !strings.Contains(body, "No opening, no end") {
			t.Fatalf("%d %s", seen.Code, body)
		}
		if len(s.windows()) != 0 || s.record() != nil || s.woken != 0 {
			t.Fatal("it was saved before it was seen")
		}
		form = typed("opens", "2018-03-17T13:00:00Z", "closes", "2018-03-17T15:00:00Z", "operator_"+s.ids[1], "yes", "sure", "yes")
		if answer := s.ask("POST", "/operator/windows/new", form); answer.Code != 303 || answer.Header().Get("Location") != "/operator/windows?done=planned" {
			t.Fatalf("%d %s", answer.Code, answer.Body)
		}
		list := s.windows()
		if len(list) != 1 || !list[0].Lists(s.ids[0]) || !list[0].Lists(s.ids[1]) || list[0].By != s.ids[0] || list[0].Closes != time.Date(2018, 3, 17, 15, 0, 0, 0, time.UTC) {
			t.Errorf("%+v", list)
		}
		if again := s.ask("POST", "/operator/windows/new", form); again.Code != 422 || len(s.windows()) != 1 {
			t.Errorf("sent twice: %d, %d windows", again.Code, len(s.windows()))
		}
		if got := strings.Join(s.record(), "; "); got != "maintenance:window:planned by operator" || s.woken != 1 {
			t.Errorf("record %q, woken %d", got, s.woken)
		}
		if got := strings.Join(s.mails(), "; "); got != "sato@example.jp window-planned Business Portalのメンテナンスが計画されました: 2018年3月17日(土) 22:00 JST (13:00 UTC)" {
			t.Errorf("mails %q", got)
		}
	})
}

func TestThePlannerIsAlwaysOnTheListAndNobodyUnknownIs(t *testing.T) {
	s := open(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	s.ask("POST", "/operator/windows/new", typed("opens", "2018-03-17 22:00", "closes", "2018-03-17 24:00", "operator_nobody", "yes", "operator_"+s.ids[0], "", "sure", "yes"))
	if list := s.windows(); len(list) != 1 || len(list[0].Operators) != 1 || list[0].Operators[0] != s.ids[0] {
		t.Errorf("%+v", list)
	}
}

func TestNothingTypedIsLostWhenAWindowIsRefused(t *testing.T) {
	s := open(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	for _, c := range []struct{ opens, closes, says string }{
		{"", "2018-03-17 24:00", "Enter a date and time."},
		{"soon", "2018-03-17 24:00", "does not read as a date and time"},
		{"2018-03-09 22:00", "2018-03-17 24:00", "must lie ahead"},
		{"2018-03-17 22:00", "2018-03-17 21:00", "must close after it opens"},
		{"2018-03-17 22:00", "2018-03-27 22:00", "at most 72 hours"},
		{"2028-03-17 22:00", "2028-03-17 23:00", "two years"},
	} {
		for _, sure := range []string{"", "yes"} {
			answer := s.ask("POST", "/operator/windows/new", typed("opens", c.opens, "closes", c.closes, "operator_"+s.ids[1], "yes", "sure", sure))
			body := answer.Body.String()
			if answer.Code != 422 || !strings.Contains(body, c.says) || !strings.Contains(body, `value="`+c.opens+`"`) || !strings.Contains(body, `value="`+c.closes+`"`) || !strings.Contains(body, "checked") {
				t.Errorf("%s to %s: %d %s", c.opens, c.closes, answer.Code, body)
			}
		}
	}
	if len(s.windows()) != 0 {
		t.Error("one was planned")
	}
}

func TestAnEndWithinAWindowIsPlannedOnlyWhenMeant(t *testing.T) {
	s := open(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	end := time.Date(2018, 3, 17, 14, 0, 0, 0, time.UTC)
	s.marks = []Mark{{At: end, What: End, Whose: "Aozora Trading"}, {At: end, What: End, N: 3}, {At: end.Add(-time.Minute), What: Reminder}, {At: end.AddDate(0, 0, 1), What: Opening}}
	fields := []string{"opens", "2018-03-17 22:00", "closes", "2018-03-17 24:00"}
	seen := s.ask("POST", "/operator/windows/new", typed(fields...))
	for _, text := range []string{"1-step sign-in ends for Aozora Trading", "the extensions of 3 people end", "a reminder is mailed", `name="meant"`} {
		if !strings.Contains(seen.Body.String(), text) {
			t.Errorf("without %q: %d", text, seen.Code)
		}
	}
	if strings.Contains(seen.Body.String(), "People can begin") {
		t.Error("it speaks of an opening that lies outside")
	}
	if answer := s.ask("POST", "/operator/windows/new", typed(append(fields, "sure", "yes")...)); answer.Code != 422 || len(s.windows()) != 0 ||
		!strings.Contains(answer.Body.String(), "Say that this is meant") || !strings.Contains(answer.Body.String(), `value="2018-03-17T13:00:00Z"`) {
		t.Errorf("without a word: %d, %d windows", answer.Code, len(s.windows()))
	}
	if answer := s.ask("POST", "/operator/windows/new", typed(append(fields, "sure", "yes", "meant", "yes")...)); answer.Code != 303 || len(s.windows()) != 1 {
		t.Errorf("meant: %d", answer.Code)
	}
}

func TestOverlappingWindowsAreSaidBeforeSaving(t *testing.T) {
	s := open(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	start := time.Date(2018, 3, 17, 12, 0, 0, 0, time.UTC)
	plan(t, s.World, start.Sub(storetest.Start), start.Add(time.Hour).Sub(storetest.Start), s.ids...)
	body := s.ask("POST", "/operator/windows/new", typed("opens", "2018-03-17 22:00", "closes", "2018-03-17 24:00")).Body.String()
	if !strings.Contains(body, "Together they keep the portal closed from 17 Mar 2018, 21:00 JST (12:00 UTC) to 17 Mar 2018, 24:00 JST (15:00 UTC): 3 hours.") {
		t.Error(body)
	}
}

func TestAWindowIsCancelledFromItsConfirmationPage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		one := plan(t, w, time.Hour, 2*time.Hour, s.ids...)
		path := "/operator/windows/" + one.ID + "/cancel"
		if list := s.ask("GET", "/operator/windows", nil).Body.String(); !strings.Contains(list, `href="`+path+`"`) || !strings.Contains(list, "mori, sato") {
			t.Error(list)
		}
		if asked := s.ask("GET", path, nil); asked.Code != 200 || !strings.Contains(asked.Body.String(), "10 Mar 2018, 13:00 JST (04:00 UTC)") || s.windows()[0].Cancelled != (time.Time{}) {
			t.Errorf("%d %s", asked.Code, asked.Body)
		}
		if answer := s.ask("POST", path, url.Values{}); answer.Code != 303 || s.windows()[0].Cancelled.IsZero() {
			t.Errorf("%d %s", answer.Code, answer.Body)
		}
		for _, method := range []string{"GET", "POST"} {
			if again := s.ask(method, path, url.Values{}); again.Code != 403 {
				t.Errorf("again by %s: %d", method, again.Code)
			}
			if unknown := s.ask(method, "/operator/windows/unknown/cancel", url.Values{}); unknown.Code != 404 {
				t.Errorf("unknown by %s: %d", method, unknown.Code)
			}
		}
		if got := strings.Join(s.record(), "; "); got != "maintenance:window:cancelled by operator" || len(s.mails()) != 1 {
			t.Errorf("%q, mails %q", got, s.mails())
		}
	})
}

func TestAnOpenWindowIsEndedEarlyByWhoIsOnItsList(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		one := plan(t, w, time.Hour, 3*time.Hour, s.ids[0])
		other := plan(t, w, 2*time.Hour, 4*time.Hour, s.ids...)
		path := "/operator/windows/" + one.ID + "/lift"
		if early := s.ask("POST", path, url.Values{}); early.Code != 403 {
			t.Errorf("before it opens: %d", early.Code)
		}
		w.Clock.Set(one.Opens.Add(90 * time.Minute))
		for _, method := range []string{"GET", "POST"} {
			if stranger := s.ask(method, path, url.Values{}, 1); stranger.Code != 403 || !strings.Contains(stranger.Body.String(), "on the list") {
				t.Errorf("not on the list, by %s: %d", method, stranger.Code)
			}
		}
		if asked := s.ask("GET", path, nil).Body.String(); !strings.Contains(asked, "Another window keeps the portal closed all the same") {
			t.Error(asked)
		}
		if answer := s.ask("POST", path, url.Values{}); answer.Code != 303 {
			t.Fatalf("%d %s", answer.Code, answer.Body)
		}
		if closed, until, _ := Covering(s.windows(), w.Clock.Now()); !closed || until != other.Closes {
			t.Errorf("the other window: closed %t until %s", closed, until)
		}
		if answer := s.ask("POST", "/operator/windows/"+other.ID+"/lift", url.Values{}); answer.Code != 303 {
			t.Errorf("the other: %d", answer.Code)
		}
		if closed, _, _ := Covering(s.windows(), w.Clock.Now()); closed {
			t.Error("both were ended, and the portal is closed")
		}
		if late := s.ask("POST", path, url.Values{}); late.Code != 403 {
			t.Errorf("again: %d", late.Code)
		}
		if list := s.ask("GET", "/operator/windows?done=lifted", nil).Body.String(); !strings.Contains(list, "ended early") || !strings.Contains(list, "Planned until 10 Mar 2018, 15:00 JST (06:00 UTC).") {
			t.Error(list)
		}
		if got := strings.Join(s.record(), "; "); got != "maintenance:window:lifted by operator; maintenance:window:lifted by operator" || len(s.mails()) != 2 {
			t.Errorf("%q, mails %q", got, s.mails())
		}
	})
}

func TestTheStatusSaysWhatIsClosedAndUntilWhenToEverybody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		long := plan(t, w, time.Minute, time.Hour)
		w.Clock.Set(long.Closes.AddDate(0, 0, 80))
		now := w.Clock.Now().Sub(storetest.Start)
		gone := plan(t, w, now+time.Hour, now+2*time.Hour)
		if err := cancel(t, w, gone.ID); err != nil {
			t.Fatal(err)
		}
		next := plan(t, w, now+24*time.Hour, now+29*time.Hour)
		status := func(query string) string { t.Helper(); return s.ask("GET", "/status"+query, nil).Body.String() }
		body := status("")
		for _, text := range []string{"No maintenance is under way", "30 May 2018, 13:00 JST (04:00 UTC)", "30 May 2018, 18:00 JST (09:00 UTC)", "5 hours", "planned", "cancelled", "10 Mar 2018, 12:01 JST"} {
			if !strings.Contains(body, text) {
				t.Errorf("without %q: %s", text, body)
			}
		}
		if body := status("?zone=Europe%2FBerlin"); !strings.Contains(body, "30 May 2018, 13:00 JST (04:00 UTC; 06:00 CEST)") || !strings.Contains(body, `value="Europe/Berlin"`) {
			t.Errorf("in the reader's zone: %s", body)
		}
		if wrong := s.ask("GET", "/status?zone=Atlantis", nil); wrong.Code != 422 || !strings.Contains(wrong.Body.String(), `value="Atlantis"`) {
			t.Errorf("a zone of nowhere: %d", wrong.Code)
		}
		for _, word := range []string{"mori", "sato"} {
			if strings.Contains(body, word) {
				t.Errorf("everybody reads the name of the operator %s", word)
			}
		}
		w.Clock.Set(next.Opens)
		if body := status(""); !strings.Contains(body, "Until 30 May 2018, 18:00 JST (09:00 UTC). Nobody can sign in") || !strings.Contains(body, "open now") {
			t.Error(body)
		}
		w.Clock.Set(next.Closes)
		if body := status(""); !strings.Contains(body, "No maintenance is under way") || !strings.Contains(body, "over") {
			t.Error(body)
		}
		w.Clock.Set(long.Closes.Add(lookBack))
		if body := status(""); strings.Contains(body, "10 Mar 2018, 12:01 JST") {
			t.Error("a window of more than 90 days ago is shown")
		}
	})
}

func TestThePagesSpeakJapanese(t *testing.T) {
	s := open(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	one := plan(t, s.World, time.Hour, 2*time.Hour, s.ids...)
	for _, path := range []string{"/operator/windows", "/operator/windows/new", "/operator/windows/" + one.ID + "/cancel", "/status"} {
		if answer := s.ask("GET", path+"?lang=ja", nil); answer.Code != 200 || !strings.Contains(answer.Body.String(), "メンテナンス") {
			t.Errorf("%s: %d", path, answer.Code)
		}
	}
}

package delivery

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
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
	"nidan/internal/mail"
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
	t     *testing.T
	mux   *http.ServeMux
	woken int
}

// unsaid is a phrase that is missing, or a value that nobody filled in.
var unsaid = regexp.MustCompile(`\[[a-z]+\.[a-z_.]+\]|\{[a-z_]+\}|%!|&lt;no value|<no value`)

func open(t *testing.T, w storetest.World) *scene {
	t.Helper()
	s := &scene{World: w, t: t, mux: http.NewServeMux()}
	book, err := phrase.NewBook(page.Words, phrase.Words, session.Words, Words)
	must(t, err)
	site, err := page.New(book, slog.New(slog.DiscardHandler), page.Options{Name: "Business Portal", House: phrase.Location("Asia/Tokyo"), Now: w.Clock.Now})
	must(t, err)
	room, err := New(Needs{DB: w.DB, Keys: w.Keys, Site: site, Wake: func() { s.woken++ }})
	must(t, err)
	for _, rt := range room.Routes() {
		s.mux.Handle(rt.Pattern, rt.Serve)
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *scene) in(do func(ctx context.Context, tx *store.Tx) error) {
	s.t.Helper()
	must(s.t, s.DB.Write(s.t.Context(), do))
}

// people are accounts of a new organization, by their names.
func (s *scene) people(name string, n int) (list []account.Account) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx *store.Tx) error {
		list = nil
		o, err := organization.Add(ctx, tx, name)
		if err != nil {
			return err
		}
		for i := range n {
			a, err := account.Add(ctx, tx, s.Keys, account.Account{Ref: account.Ref{Organization: o.ID}, Email: fmt.Sprintf("p%d@%s.example", i, strings.ToLower(name)),
				Name: fmt.Sprintf("=Person %d", i), Phone: "0312345678", Authority: account.GeneralUser, Language: "en", Zone: "Asia/Tokyo"}, "test")
			if err != nil {
				return err
			}
			list = append(list, a)
		}
		return nil
	})
	return list
}

// mailed writes to people and has the outbox tried by a relay that answers so.
func (s *scene) mailed(lane mail.Lane, people []account.Account, answer error) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx *store.Tx) error {
		for _, a := range people {
			l := mail.Letter{Organization: a.Organization, Holder: a.ID, Lane: lane, Kind: "reset", To: a.Email, Language: "en", Subject: "About your account", Text: "Something happened."}
			if lane == mail.Code {
				l.Expires = tx.Now().Add(10 * time.Minute)
			}
			if err := mail.Queue(ctx, tx, s.Keys, l); err != nil {
				return err
			}
		}
		return nil
	})
	s.drain(answer)
}

func (s *scene) drain(answer error) (sent int) {
	s.t.Helper()
	relay := &relay{answer: answer}
	must(s.t, mail.NewPost(s.DB, s.Keys, s.Clock, relay, "portal@portal.example", slog.New(slog.DiscardHandler)).Drain(s.t.Context()))
	return relay.sent
}

type relay struct {
	answer error
	sent   int
}

func (r *relay) Send(context.Context, mail.Message) error {
	r.sent++
	return r.answer
}

func (s *scene) ask(method, path, lang string, form url.Values) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Accept-Language", lang)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	o := operator.Operator{ID: "op1"}
	v := &session.Visit{Person: account.Account{Ref: o.Ref(), Name: "Mori", Zone: "Asia/Tokyo"}, TwoStep: true, From: "203.0.113.7/32",
		Again: func(context.Context, *store.Tx) error { return nil }}
	v.Ref, v.Session.ID = o.Ref(), "s"
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r.WithContext(session.With(s.t.Context(), v)))
	if found := unsaid.FindString(w.Body.String()); found != "" {
		s.t.Errorf("%s %s says %q", method, path, found)
	}
	return w
}

func (s *scene) page(path, lang string, wants ...string) string {
	s.t.Helper()
	w := s.ask("GET", path, lang, nil)
	body := w.Body.String()
	for _, want := range wants {
		if w.Code != 200 || !strings.Contains(body, want) {
			s.t.Errorf("%s in %s: %d without %q:\n%s", path, lang, w.Code, want, body)
		}
	}
	return body
}

var (
	full    = &mail.Failure{Step: "rcpt to", Code: 552, Status: "5.2.2", Text: "5.2.2 <script>mailbox full", Permanent: true}
	refused = &mail.Failure{Step: "content", Code: 554, Status: "5.7.1", Text: "5.7.1 looks like spam", Permanent: true}
)

func TestAnEmptyOutboxSaysWhatWillStandThere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		for lang, wants := range map[string][]string{
			"en": {"No mail was given up.", "No mail to an account has come back.", "nothing is due", "Codes", "Mailings"},
			"ja": {"送信を中止したメールはありません。", "アカウントへのメールで戻ってきたものはありません。", "送信予定なし", "一斉送信"},
		} {
			s.page("/operator/mail", lang, wants...)
		}
		s.page("/operator/mail/undeliverable", "en", "Mail reaches everybody, as far as is known.")
		s.page("/operator/mail/undeliverable", "ja", "メールが届かないアドレスは、分かっている範囲ではありません。")
	})
}

func TestTheOutboxIsShownByLane(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		people := s.people("Aozora", 6)
		s.mailed(mail.Notice, people[:3], nil)
		s.Clock.Set(storetest.Start.Add(24*time.Hour + time.Microsecond)) // those are not of today any more
		s.mailed(mail.Notice, people[:2], nil)
		s.mailed(mail.Bulk, people, errors.New("the network is away"))
		loads, unreachable, err := mail.Loads(t.Context(), s.DB, s.Clock.Now().Add(-recently), s.Clock.Now().Add(time.Hour))
		must(t, err)
		if len(loads) != 3 || unreachable != 0 || loads[0] != (mail.Load{Lane: mail.Code}) || loads[1] != (mail.Load{Lane: mail.Notice, Sent: 2}) {
			t.Errorf("loads %+v, %d", loads, unreachable)
		}
		if bulk := loads[2]; bulk.Waiting != 6 || bulk.Since.IsZero() || bulk.Sent != 0 {
			t.Errorf("bulk %+v", bulk)
		}
		s.Clock.Set(s.Clock.Now().Add(time.Hour))
		s.page("/operator/mail", "en", "11 Mar 2018, 12:00 JST")
	})
}

func TestAGivenUpMailIsTriedAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		people := s.people("Aozora", 4)
		s.mailed(mail.Notice, people[:3], refused)
		s.mailed(mail.Code, people[3:], refused)
		body := s.page("/operator/mail", "en", "5.7.1 looks like spam", "reset", people[0].Email, "too late to try", "Try all of them again")
		letters := regexp.MustCompile(`name="letter" value="([^"]+)"`).FindAllStringSubmatch(body, -1)
		if len(letters) != 3 {
			t.Fatalf("%d can be tried again, want the notices alone", len(letters))
		}
		one := url.Values{"letter": {letters[0][1]}}
		if w := s.ask("POST", "/operator/mail", "en", one); w.Code != 303 || w.Header().Get("Location") != "/operator/mail?retried=1" || s.woken != 1 {
			t.Errorf("%d to %q, woken %d", w.Code, w.Header().Get("Location"), s.woken)
		}
		if w := s.ask("POST", "/operator/mail", "en", one); w.Code != 404 { // pressed twice
			t.Errorf("pressed twice: %d", w.Code)
		}
		if n := s.drain(nil); n != 1 {
			t.Errorf("%d tried", n)
		}
		if w := s.ask("POST", "/operator/mail", "en", nil); w.Header().Get("Location") != "/operator/mail?retried=2" {
			t.Errorf("all: %d to %q", w.Code, w.Header().Get("Location"))
		}
		s.page("/operator/mail?retried=2", "en", "2 mails are tried again now.")
		s.page("/operator/mail?retried=2", "ja", "2件のメールをもう一度送信します。")
		if w := s.ask("POST", "/operator/mail", "en", nil); w.Header().Get("Location") != "/operator/mail?retried=0" {
			t.Errorf("nothing left: %d to %q", w.Code, w.Header().Get("Location"))
		}
		rows, err := audit.Read(t.Context(), s.DB, audit.Filter{Chain: audit.Operators, Act: "mail:letter:retried"})
		must(t, err)
		if len(rows) != 2 || rows[0].Actor.ID != "op1" || rows[1].Subject != one.Get("letter") || rows[0].Detail["letters"] != "2" {
			t.Errorf("recorded %+v", rows)
		}
		for _, made := range []string{"nobody", strings.Repeat("x", 300), "' or 1=1"} {
			if w := s.ask("POST", "/operator/mail", "en", url.Values{"letter": {made}}); w.Code != 404 {
				t.Errorf("%q: %d", made, w.Code)
			}
		}
	})
}

func TestAddressesThatMailDoesNotReachAreListedAndDownloaded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		people := append(s.people("Aozora", listedAtOnce-1), s.people("Midori", 3)...)
		s.mailed(mail.Notice, people, full)
		s.page("/operator/mail", "en", "Mail does not reach 52 accounts at their addresses.")
		s.page("/operator/mail", "ja", "52件のアカウントに、登録アドレスへのメールが届いていません。")
		seen := map[string]bool{}
		for path, pages := "/operator/mail/undeliverable", 1; path != ""; pages++ {
			body := s.page(path, "en", "Refused at once", "5.2.2", "5.2.2 &lt;script&gt;mailbox full", "10 Mar 2018, 12:00 JST")
			for _, found := range regexp.MustCompile(`p\d+@[a-z]+\.example`).FindAllString(body, -1) {
				seen[found] = true
			}
			path = ""
			if next := regexp.MustCompile(`href="([^"]+)" rel="next"`).FindStringSubmatch(body); next != nil {
				path = next[1]
			}
			if pages > 2 {
				t.Fatal("there is no end to the pages")
			}
		}
		if len(seen) != 52 {
			t.Errorf("%d people on the pages, want 52", len(seen))
		}
		answer := s.ask("GET", "/operator/mail/undeliverable.csv", "ja", nil)
		table := csv.NewReader(strings.NewReader(strings.TrimPrefix(answer.Body.String(), "\uFEFF")))
		lines := 0
		for ; ; lines++ {
			line, err := table.Read()
			if err == io.EOF {
				break
			}
			must(t, err)
			if lines > 0 && (!strings.HasPrefix(line[1], "'=Person") || line[3] != "dialogue" || line[6] != "2018-03-10T03:00:00Z" || line[8] != "1") {
				t.Errorf("line %q", line)
			}
		}
		if lines != 53 || answer.Header().Get("Content-Type") != "text/csv; charset=utf-8" {
			t.Errorf("%d lines, %v", lines, answer.Header())
		}
	})
}

func TestAMarkComesBackAsItWasAndAMadeUpOneIsTheBeginning(t *testing.T) {
	m := mail.Mark{Latest: time.Date(2018, 3, 10, 3, 0, 0, 1000, time.UTC), Organization: "o-1", Holder: "h.1"}
	if got := parsed(written(m)); got != m {
		t.Errorf("%+v became %+v", m, got)
	}
	for _, made := range []string{"", "x", "1.2", "-1.a.b", "0.a.b", "a.b.c", strings.Repeat("1", 300), "99999999999999999999.a.b"} {
		if got := parsed(made); got != (mail.Mark{}) {
			t.Errorf("%q became %+v", made, got)
		}
	}
}

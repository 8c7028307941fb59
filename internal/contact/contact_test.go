package contact

import (
	"context"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/clock"
	"nidan/internal/config"
	"nidan/internal/hours"
	"nidan/internal/mail"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/ticket"
)

var tokyo = phrase.Location("Asia/Tokyo")

// scene is the room on a real database; everybody is a stranger here.
type scene struct {
	storetest.World
	t      *testing.T
	room   *Room
	post   *mail.Post
	mails  []mail.Message
	closed time.Time
}

// Send keeps the mail.
func (s *scene) Send(_ context.Context, m mail.Message) error {
	s.mails = append(s.mails, m)
	return nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, w storetest.World, working string) *scene {
	t.Helper()
	s := &scene{World: w, t: t}
	c, err := config.Load("", []string{"NIDAN_HOURS=" + working})
	must(t, err)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	book, err := phrase.NewBook(page.Words, phrase.Words, session.Words, ticket.Words, Words)
	must(t, err)
	site, err := page.New(book, log, page.Options{Name: "Business Portal", House: tokyo, Contact: "help+desk@portal.example", Now: w.Clock.Now})
	must(t, err)
	desk := &ticket.HelpDesk{Keys: w.Keys, Site: site, Address: "https://portal.example", Hours: c.Hours}
	s.room, err = New(Needs{DB: w.DB, Site: site, Desk: desk, Hours: c.Hours, Wake: func() {},
		Closed: func() (bool, time.Time) { return !s.closed.IsZero(), s.closed }})
	must(t, err)
	_, err = clock.Load(t.Context(), w.DB, w.Clock)
	must(t, err)
	s.post = mail.NewPost(w.DB, w.Keys, w.Clock, s, "portal@portal.example", log)
	return s
}

// at sets the clock to a time on a wall in Tokyo.
func (s *scene) at(text string) {
	s.t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, tokyo)
	must(s.t, err)
	s.Clock.Set(at)
	s.Clock.Accept()
}

var unsaid = regexp.MustCompile(`\[[a-z]+\.[a-z_.]+\]|\{[a-z_]+\}|%!|&lt;no value|<no value|ZgotmplZ`)

func (s *scene) serve(r *http.Request, from string) *httptest.ResponseRecorder {
	s.t.Helper()
	w := httptest.NewRecorder()
	r = r.WithContext(session.With(r.Context(), &session.Visit{From: from}))
	for _, rt := range s.room.Routes() {
		if strings.HasPrefix(rt.Pattern, r.Method+" ") {
			rt.Serve(w, r)
		}
	}
	if found := unsaid.FindString(w.Body.String()); found != "" {
		s.t.Errorf("it says %q", found)
	}
	return w
}

func (s *scene) get(query string) *httptest.ResponseRecorder {
	return s.serve(httptest.NewRequest("GET", "/contact"+query, nil), "203.0.113.7/32")
}

// send is the form with these fields in place of the usual ones.
func (s *scene) send(from string, fields ...string) *httptest.ResponseRecorder {
	form := url.Values{"form": {"a-form-of-this-browser"}, "email": {"hanako@aozora.example"}, "name": {"Hanako Sato"},
		"summary": {"新しい電話で入れない"}, "detail": {"The old phone is gone."}}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r := httptest.NewRequest("POST", "/contact", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.serve(r, from)
}

func (s *scene) count(condition string) (n int) {
	s.t.Helper()
	must(s.t, s.DB.QueryRow(s.t.Context(), "select count(*) from "+condition).Scan(&n))
	return n
}

// 5 March 2018 was a Monday, 21 March a holiday.
func TestThePageSaysHowToReachTheDeskInBothLanguages(t *testing.T) {
	w := storetest.Open(t, t.TempDir()+"/nidan.db")
	for _, c := range []struct {
		hours, at, query string
		says             []string
		not              string
	}{
		{"09:00-17:30", "2018-03-05 12:00", "", []string{`href="mailto:help&#43;desk@portal.example?subject=Question%20about%20Business%20Portal"`, ">help&#43;desk@portal.example<",
			"open now", "Monday to Friday", "5 Mar 2018, 09:00 JST (00:00 UTC) to 17:30 JST (08:30 UTC)", "<dd>Portal</dd>", "<dd>Business Portal</dd>", `href="/status"`,
			`name="email"`, `name="name"`, `name="summary"`, `name="detail"`, `method="post" action="/contact"`}, "closed now"},
		{"09:00-17:30", "2018-03-09 20:00", "", []string{"closed now", "Opens next", "12 Mar 2018, 09:00 JST"}, "open now"},
		{"09:00-17:30", "2018-03-20 20:00", "", []string{"closed now", "Opens next", "22 Mar 2018, 09:00 JST"}, "open now"},
		{"09:00-17:30", "2018-03-21 12:00", "?lang=ja", []string{"営業時間外", "2018年3月22日"}, "営業時間内"},
		{"09:00-17:30", "2018-03-05 12:00", "?zone=Europe/Berlin", []string{"5 Mar 2018, 09:00 JST (00:00 UTC; 01:00 CET) to 17:30 JST (08:30 UTC; 09:30 CET)"}, ""},
		{"Mon-Sat 09:00-17:30", "2018-03-05 12:00", "", []string{"Monday, Tuesday, Wednesday, Thursday, Friday, Saturday"}, ""},
		{"", "2018-03-05 12:00", "", []string{"mailto:", `name="detail"`}, "Business hours"},
		{"09:00-17:30", "2018-03-05 12:00", "?lang=ja", []string{"お問い合わせ", "営業時間内", "月曜日から金曜日", "2018年3月5日(月) 09:00 JST (00:00 UTC)から17:30 JST (08:30 UTC)まで"}, "営業時間外"},
	} {
		s := open(t, w, c.hours)
		s.at(c.at)
		answer := s.get(c.query)
		body := answer.Body.String()
		for _, text := range c.says {
			if answer.Code != 200 || !strings.Contains(body, text) {
				t.Errorf("%s %s: %d without %q: %s", c.at, c.query, answer.Code, text, body)
			}
		}
		if c.not != "" && strings.Contains(body, c.not) {
			t.Errorf("%s %s says %q", c.at, c.query, c.not)
		}
	}
	s := open(t, w, "09:00-17:30")
	if w := s.get("?zone=Atlantis"); w.Code != 422 || !strings.Contains(w.Body.String(), `value="Atlantis"`) {
		t.Errorf("a zone of nowhere: %d", w.Code)
	}
	if body := s.get("?sent=%3Cscript%3E").Body.String(); strings.Contains(body, "is the number") {
		t.Error("what is no ticket is said to be one")
	}
	s.closed = s.Clock.Now().Add(3 * time.Hour)
	if body := s.get("").Body.String(); strings.Contains(body, `name="detail"`) || !strings.Contains(body, "closed until") || !strings.Contains(body, "mailto:") {
		t.Error("in a window the form is there, or the mail address is not")
	}
}

// A day that operators close is closed here, and one that they open is open.
func TestThePageKnowsTheDaysOfOperators(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w, "09:00-17:30")
		must(t, w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			day, _ := hours.ParseDay("2018-03-12")
			if err := hours.Say(ctx, tx, hours.Special{Day: day}, "test"); err != nil {
				return err
			}
			day, _ = hours.ParseDay("2018-03-17")
			return hours.Say(ctx, tx, hours.Special{Day: day, Open: true}, "test")
		}))
		s.at("2018-03-12 12:00")
		if body := s.get("").Body.String(); !strings.Contains(body, "closed now") || !strings.Contains(body, "13 Mar 2018, 09:00 JST") {
			t.Error("a Monday that was closed is open")
		}
		s.at("2018-03-17 12:00")
		if body := s.get("").Body.String(); !strings.Contains(body, "open now") {
			t.Error("a Saturday that was opened is closed")
		}
	})
}

func TestADoubleClickMakesOneTicketAndAnotherTextAnother(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w, "09:00-17:30")
		for range 3 {
			answer := s.send("203.0.113.7/32")
			if answer.Code != 303 || answer.Header().Get("Location") != "/contact?sent=T-1" {
				t.Fatalf("%d %s: %s", answer.Code, answer.Header().Get("Location"), answer.Body)
			}
		}
		if !strings.Contains(s.get("?sent=T-1").Body.String(), "T-1 is the number of your question") {
			t.Error("the number is not said")
		}
		if s.send("203.0.113.7/32", "detail", "One more thing.").Header().Get("Location") != "/contact?sent=T-2" {
			t.Error("another text was taken for the first")
		}
		// Somebody who knows the form's name takes nothing of another one's.
		if s.send("198.51.100.1/32", "email", "mallory@elsewhere.example").Header().Get("Location") != "/contact?sent=T-3" {
			t.Error("another one's form was taken for the first")
		}
		if s.count("ticket where organization_id = '' and holder_id = '' and state = 'open'") != 3 || s.count("ticket_reader") != 0 ||
			s.count("audit where act = 'help:ticket:opened' and actor_kind = 'stranger' and network = '203.0.113.7/32'") != 2 {
			t.Error("not as many tickets and records as forms")
		}
	})
}

func TestWhatIsWrongIsSaidAndNothingTypedIsLost(t *testing.T) {
	s := open(t, storetest.Open(t, t.TempDir()+"/nidan.db"), "09:00-17:30")
	for _, c := range []struct{ field, typed, says string }{
		{"email", "", "Enter a mail address."},
		{"email", "nobody", "Enter one mail address"},
		{"email", "a@b.example, c@d.example", "Enter one mail address"},
		{"email", "Hanako <hanako@aozora.example>", "Enter one mail address"},
		{"email", "a@b.example\r\nBcc: c@d.example", ""},
		{"name", "", "Enter your name."},
		{"summary", " ", "Enter a summary."},
		{"summary", strings.Repeat("あ", ticket.LongSummary+1), "200"},
		{"detail", "\n", "Write what happened."},
		{"detail", "a\x00b", ""},
	} {
		answer := s.send("203.0.113.7/32", c.field, c.typed)
		body := html.UnescapeString(answer.Body.String())
		if answer.Code != 422 || !strings.Contains(body, c.says) || c.field != "name" && !strings.Contains(body, "Hanako Sato") || !strings.Contains(body, `value="a-form-of-this-browser"`) {
			t.Errorf("%s %q: %d %s", c.field, c.typed, answer.Code, body)
		}
	}
	if s.count("ticket") != 0 || s.count("allowance") != 0 {
		t.Error("something was made of it, or counted")
	}
}

// states are addresses that must not be told apart: a person who is there, one who is
// suspended, one of a suspended organization, nobody.
func (s *scene) states() (addresses []string) {
	s.t.Helper()
	must(s.t, s.DB.Write(s.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, name := range []string{"Aozora", "Brennhof"} {
			o, err := organization.Add(ctx, tx, name)
			if err != nil {
				return err
			}
			for _, who := range []string{"active", "barred"} {
				email := who + "@" + strings.ToLower(name) + ".example"
				a, err := account.Add(ctx, tx, s.Keys, account.Account{Ref: account.Ref{Organization: o.ID}, Email: email, Name: who, Phone: "1",
					Authority: account.PortalAdmin, Language: "ja", Zone: "Asia/Tokyo"}, "test")
				if err != nil {
					return err
				}
				if who == "barred" {
					if err := account.Suspend(ctx, tx, a.Ref, "test"); err != nil {
						return err
					}
				}
				addresses = append(addresses, email)
			}
		}
		_, err := tx.Exec(ctx, `update organization set suspended_at = 1 where name = 'Brennhof'`)
		return err
	}))
	return append(addresses, "nobody@aozora.example", "someone@elsewhere.example")
}

func TestWhoeverIsTypedIsAnsweredAlike(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w, "09:00-17:30")
		addresses := s.states()
		number := regexp.MustCompile(`T-\d+`)
		answers := map[string][]string{}
		s.send("192.0.2.255/32", "email", "warming@elsewhere.example")
		for i, email := range addresses {
			ctx, trips := store.Counting(t.Context())
			form := url.Values{"form": {"a-form-of-this-browser"}, "email": {email}, "name": {"x"}, "summary": {"x"}, "detail": {"x"}}
			r := httptest.NewRequest("POST", "/contact", strings.NewReader(form.Encode())).WithContext(ctx)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			a := s.serve(r, fmt.Sprintf("192.0.2.%d/32", i))
			one := number.ReplaceAllString(fmt.Sprint(a.Code, trips.N(), a.Header(), a.Body), "T-N")
			answers[one] = append(answers[one], email)
		}
		if len(answers) != 1 {
			t.Errorf("they are told apart: %q", answers)
		}
		s.mails = nil
		must(t, s.post.Drain(t.Context()))
		letters := map[string]bool{}
		for _, m := range s.mails {
			letters[number.ReplaceAllString(m.Subject+m.Text, "T-N")] = true
		}
		if len(s.mails) != len(addresses)+1 || len(letters) != 1 {
			t.Errorf("%d letters of %d kinds to %d", len(s.mails), len(letters), len(addresses))
		}
	})
}

// Whatever is typed, an address gets one letter a day, and nothing of what was typed.
func TestTheFormIsNoWayToWriteToOthers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w, "09:00-17:30")
		for i := range 20 {
			s.send(fmt.Sprintf("192.0.2.%d/32", i), "form", fmt.Sprintf("a-form-of-browser-%d", i), "name", "BUY NOW https://evil.example",
				"summary", "BUY NOW", "detail", "https://evil.example", "email", []string{"Victim@Elsewhere.example", "victim@elsewhere.example"}[i%2])
		}
		must(t, s.post.Drain(t.Context()))
		if len(s.mails) != 1 || strings.Contains(s.mails[0].Subject+s.mails[0].Text, "BUY") || strings.Contains(s.mails[0].Text, "evil") {
			t.Errorf("%d letters: %+v", len(s.mails), s.mails)
		}
		s.Clock.Set(s.Clock.Now().Add(24 * time.Hour))
		s.send("203.0.113.7/32", "email", "victim@elsewhere.example")
		must(t, s.post.Drain(t.Context()))
		if len(s.mails) != 2 {
			t.Errorf("%d letters after a day", len(s.mails))
		}
	})
}

func TestTooManyFromOneNetworkOrOfOneAddressWaitAndLoseNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w, "09:00-17:30")
		try := func(network, email string, i int) *httptest.ResponseRecorder {
			return s.send(network, "email", email, "detail", fmt.Sprintf("number %d", i))
		}
		for i := range perAddress.Burst {
			if a := try(fmt.Sprintf("192.0.2.%d/32", i), "one@aozora.example", i); a.Code != 303 {
				t.Fatal(a.Code)
			}
		}
		refused := try("192.0.2.200/32", "ONE@aozora.example", 99)
		if body := refused.Body.String(); refused.Code != 429 || refused.Header().Get("Retry-After") != "1800" || !strings.Contains(body, "number 99") || !strings.Contains(body, "ONE@aozora.example") || !strings.Contains(body, "30 minutes") {
			t.Errorf("%d %s %s", refused.Code, refused.Header().Get("Retry-After"), body)
		}
		for i := range perNetwork.Burst {
			if a := try("198.51.100.1/32", fmt.Sprintf("p%d@aozora.example", i), i); a.Code != 303 {
				t.Fatal(a.Code)
			}
		}
		if a := try("198.51.100.1/32", "next@aozora.example", 0); a.Code != 429 || a.Header().Get("Retry-After") == "" {
			t.Error(a.Code)
		}
		// A second press of the button is answered as the first was, also then.
		if a := try("198.51.100.1/32", "p0@aozora.example", 0); a.Code != 303 {
			t.Error(a.Code)
		}
		if n := s.count("ticket"); n != perAddress.Burst+perNetwork.Burst {
			t.Errorf("%d tickets", n)
		}
		s.Clock.Set(s.Clock.Now().Add(30 * time.Minute))
		if a := try("192.0.2.200/32", "one@aozora.example", 99); a.Code != 303 {
			t.Error(a.Code)
		}
	})
}

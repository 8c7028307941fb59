package notice

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// scene is the room on a real database, behind a gate that lets everybody pass.
type scene struct {
	storetest.World
	t       *testing.T
	mux     *http.ServeMux
	room    *Room
	org     organization.Organization
	log     strings.Builder
	version int64 // of what is planned, as the gate would say it
}

func open(t *testing.T, w storetest.World) *scene {
	t.Helper()
	s := &scene{World: w, t: t, mux: http.NewServeMux(), version: 1}
	book, err := phrase.NewBook(page.Words, phrase.Words, session.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	site, err := page.New(book, slog.New(slog.NewTextHandler(t.Output(), nil)), page.Options{Name: "Business Portal",
		House: time.FixedZone("JST", 9*60*60), Now: w.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	s.room, err = New(Needs{DB: w.DB, Keys: w.Keys, Site: site, Log: slog.New(slog.NewTextHandler(&s.log, nil)), Board: &Board{DB: w.DB},
		Changed: func(context.Context, *store.Tx) error { s.version++; return nil },
		Said: func(string, time.Time) []Said {
			return []Said{{What: Window, Opens: storetest.Start.Add(time.Hour), Ends: storetest.Start.Add(2 * time.Hour), Link: "/status", At: storetest.Start}}
		}})
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range s.room.Routes() {
		s.mux.Handle(rt.Pattern, rt.Serve)
	}
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		s.org, err = organization.Add(ctx, tx, "Aozora Trading")
		return err
	})
	return s
}

func (s *scene) in(do func(ctx context.Context, tx *store.Tx) error) {
	s.t.Helper()
	if err := s.DB.Write(s.t.Context(), do); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) operator() *session.Visit {
	s.t.Helper()
	v := &session.Visit{TwoStep: true, From: "198.51.100.1/32", Again: func(context.Context, *store.Tx) error { return nil }}
	s.in(func(ctx context.Context, tx *store.Tx) error {
		o, err := operator.Add(ctx, tx, operator.Operator{Email: secret.ID() + "@portal.example", Name: "Taro Abe", Language: phrase.English, Zone: "Asia/Tokyo"}, "test")
		v.Person = account.Account{Ref: o.Ref(), Email: o.Email, Name: o.Name, Language: o.Language, Zone: o.Zone}
		v.Session = session.Session{Ref: o.Ref(), ID: secret.ID()}
		return err
	})
	return v
}

func (s *scene) person(name string, authority account.Authority, lang phrase.Lang) *session.Visit {
	s.t.Helper()
	a := account.Account{Ref: account.Ref{Organization: s.org.ID}, Email: strings.ToLower(name) + "@aozora.example", Name: name, Phone: "03",
		Authority: authority, Language: lang, Zone: "Asia/Tokyo"}
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		a, err = account.Add(ctx, tx, s.Keys, a, "test")
		return err
	})
	return &session.Visit{TwoStep: true, Person: a, Session: session.Session{Ref: a.Ref, ID: secret.ID()}, From: "203.0.113.7/32",
		Again: func(context.Context, *store.Tx) error { return nil }}
}

func (s *scene) ask(v *session.Visit, method, path string, form url.Values) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	v.Policy = s.version
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r.WithContext(session.With(s.t.Context(), v)))
	if body := w.Body.String(); strings.Contains(body, "[notice.") || strings.Contains(body, "ZgotmplZ") {
		s.t.Errorf("%s %s: a phrase or a link is missing:\n%s", method, path, body)
	}
	return w
}

// written is a form filled in; each pair changes one field.
func written(pairs ...string) url.Values {
	form := url.Values{"form": {secret.ID()}, "title_en": {"New hours"}, "text_en": {"We open at **eight**.\n<script>alert(1)</script>"}, "title_ja": {"受付時間の変更"},
		"text_ja": {"**8時**から受け付けます。"}, "authority": {""}, "organization": {""}, "from": {""}, "until": {""}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

func (s *scene) publish(v *session.Visit, pairs ...string) (path string) {
	s.t.Helper()
	form := written(append([]string{"act", "save"}, pairs...)...)
	w := s.ask(v, "POST", "/operator/notices/new", form)
	if w.Code != http.StatusSeeOther {
		s.t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return "/notices/" + form.Get("form")
}

func TestANoticeIsSeenBeforeItIsPublishedAndNothingTypedIsLost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		v := s.operator()
		form := written("organization", "aozora trading", "authority", "portal_admin", "from", "2018-03-11 09:00")
		preview := s.ask(v, "POST", "/operator/notices/new", form)
		body := preview.Body.String()
		if preview.Code != 200 || !strings.Contains(body, "<strong>eight</strong>") || !strings.Contains(body, "<strong>8時</strong>") || strings.Contains(body, "<script>alert") {
			t.Fatalf("%d: %s", preview.Code, body)
		}
		if n := s.count("notice"); n != 0 {
			t.Errorf("%d notices are published by a look at one", n)
		}
		again := hiddens(body)
		again.Set("act", "again")
		if body := s.ask(v, "POST", "/operator/notices/new", again).Body.String(); !strings.Contains(body, `value="New hours"`) ||
			!strings.Contains(body, "We open at **eight**.") || !strings.Contains(body, "2018-03-11 09:00") || !strings.Contains(body, "Aozora Trading") {
			t.Errorf("something typed is lost:\n%s", body)
		}
		again.Set("act", "save")
		for range 2 { // sent twice: published once
			if w := s.ask(v, "POST", "/operator/notices/new", again); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/operator/notices/"+form.Get("form")+"?done=published" {
				t.Errorf("%d %s %s", w.Code, w.Header(), w.Body)
			}
		}
		if n := s.count("notice where authority = 'portal_admin'"); n != 1 {
			t.Errorf("%d notices", n)
		}
		rows, err := audit.Read(t.Context(), w.DB, audit.Filter{Chain: audit.Operators, Act: "portal:notice:published"})
		if err != nil || len(rows) != 1 {
			t.Errorf("%d records, %v", len(rows), err)
		}
		if w := s.ask(v, "GET", w303(s, v, again), nil); w.Code != 200 || !strings.Contains(w.Body.String(), "Published.") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

func w303(s *scene, v *session.Visit, form url.Values) string {
	return s.ask(v, "POST", "/operator/notices/new", form).Header().Get("Location")
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// hiddens are the hidden fields of a page, as a browser would send them.
func hiddens(body string) url.Values {
	form := url.Values{}
	for _, field := range hiddenField.FindAllStringSubmatch(body, -1) {
		form.Set(field[1], strings.NewReplacer("&#34;", `"`, "&lt;", "<", "&gt;", ">", "&#39;", "'", "&amp;", "&").Replace(field[2]))
	}
	return form
}

func (s *scene) count(condition string) (n int) {
	s.t.Helper()
	if err := s.DB.QueryRow(s.t.Context(), "select count(*) from "+condition).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func TestWhatIsWrongIsSaidBesideItsField(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		v := s.operator()
		for name, pairs := range map[string][]string{
			"no title": {"title_ja", ""}, "no organization of that name": {"organization", "Nobody Ltd"}, "no time": {"from", "yesterday"},
			"the sign-in page for some": {"at_signin", "yes", "authority", "portal_admin"}, "an end before": {"from", "2018-03-12 09:00", "until", "2018-03-11 09:00"},
			"an authority that is none": {"authority", "root"},
		} {
			for _, act := range []string{"", "save"} {
				w := s.ask(v, "POST", "/operator/notices/new", written(append(pairs, "act", act)...))
				if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "New hours") && name != "no title" {
					t.Errorf("%s: %d %s", name, w.Code, w.Body)
				}
			}
		}
		if n := s.count("notice"); n != 0 {
			t.Errorf("%d notices", n)
		}
	})
}

func TestANoticeIsReadByWhomItIsForAndByNobodyElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		op := s.operator()
		admin, user := s.person("Hanako", account.PortalAdmin, phrase.English), s.person("Ken", account.GeneralUser, phrase.English)
		stranger := *user
		stranger.Session.Ref.Organization = "another"
		own := s.publish(op, "organization", "Aozora Trading", "authority", "portal_admin")
		ahead := s.publish(op, "from", "2018-03-20 09:00")
		for _, c := range []struct {
			name, path string
			v          *session.Visit
			status     int
		}{
			{"whom it is for", own, admin, 200}, {"another authority", own, user, 404}, {"another organization", own, &stranger, 404},
			{"before it shows", ahead, admin, 404}, {"an id that never was", "/notices/" + secret.ID(), admin, 404}, {"no id", "/notices/1", admin, 404},
		} {
			if w := s.ask(c.v, "GET", c.path, nil); w.Code != c.status {
				t.Errorf("%s: %d", c.name, w.Code)
			}
		}
		for range 3 {
			s.ask(admin, "GET", own, nil)
		}
		if n := s.count("notice_read"); n != 1 {
			t.Errorf("%d readers", n)
		}
		if body := s.ask(admin, "GET", "/notices", nil).Body.String(); !strings.Contains(body, "New hours") || !strings.Contains(body, "Maintenance from") {
			t.Errorf("the list lacks one: %s", body)
		}
		if body := s.ask(user, "GET", "/notices?lang=ja", nil).Body.String(); strings.Contains(body, "受付時間の変更") || !strings.Contains(body, "メンテナンス") {
			t.Errorf("the list of another: %s", body)
		}
		// withdrawn: gone at the next request
		done := s.ask(op, "POST", "/operator"+own+"/withdraw", nil)
		if done.Code != http.StatusSeeOther || s.ask(admin, "GET", own, nil).Code != 404 {
			t.Errorf("withdrawn: %d", done.Code)
		}
		if body := s.ask(admin, "GET", "/notices", nil).Body.String(); strings.Contains(body, "New hours") {
			t.Error("what was withdrawn is still listed")
		}
		if w := s.ask(op, "POST", "/operator"+own+"/change", written("act", "save")); w.Code != 404 {
			t.Errorf("what was withdrawn is changed: %d", w.Code)
		}
	})
}

func TestANoticeIsShownAlsoWhenWhoReadsItCannotBeCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		own, ken := s.publish(s.operator()), s.person("Ken", account.GeneralUser, phrase.English)
		broken := []string{`create trigger broken before insert on notice_read begin select raise(abort, 'the disk is full'); end`}
		if s.DB.Engine() == store.PostgreSQL {
			broken = []string{`create function broken() returns trigger language plpgsql as $$ begin raise exception 'the disk is full'; end $$`,
				`create trigger broken before insert on notice_read for each row execute function broken()`}
		}
		s.in(func(ctx context.Context, tx *store.Tx) error {
			for _, text := range broken {
				if _, err := tx.Exec(ctx, text); err != nil {
					return err
				}
			}
			return nil
		})
		if w := s.ask(ken, "GET", own, nil); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "New hours") {
			t.Errorf("%d: %s", w.Code, w.Body)
		}
		if !strings.Contains(s.log.String(), "was not counted") {
			t.Errorf("the log: %q", s.log.String())
		}
	})
}

func TestAChangeIsReadAtOnceAndWhomItIsForStays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		op, user := s.operator(), s.person("Ken", account.GeneralUser, phrase.English)
		path := s.publish(op, "authority", "general_user")
		if body := s.ask(op, "GET", "/operator"+path+"/change", nil).Body.String(); !strings.Contains(body, "We open at **eight**.") {
			t.Errorf("the form lacks the text: %s", body)
		}
		w1 := s.ask(op, "POST", "/operator"+path+"/change", written("act", "save", "text_en", "We open at nine.", "authority", "portal_admin"))
		if w1.Code != http.StatusSeeOther {
			t.Fatalf("%d %s", w1.Code, w1.Body)
		}
		if w := s.ask(user, "GET", path, nil); w.Code != 200 || !strings.Contains(w.Body.String(), "at nine") || !strings.Contains(w.Body.String(), "Changed") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

func TestTheSignInPageShowsWhatIsForEverybody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		op := s.operator()
		s.publish(op)
		s.publish(op, "at_signin", "yes", "title_en", "For all")
		posted, err := s.room.Board.Posted(t.Context(), s.version, s.room.Site.Speaker(phrase.English, nil), w.Clock.Now())
		if err != nil || len(posted) != 1 || posted[0].Title != "For all" || strings.Contains(string(posted[0].Text), "script") {
			t.Errorf("%v %v", posted, err)
		}
		// The version has not changed: nothing is asked of the database.
		ctx, trips := store.Counting(t.Context())
		if _, err := s.room.Board.Posted(ctx, s.version, s.room.Site.Speaker(phrase.Japanese, nil), w.Clock.Now()); err != nil || trips.N() != 0 {
			t.Errorf("%d round trips, %v", trips.N(), err)
		}
	})
}

func TestEverybodyIsWrittenToOnceHoweverManyNodesWrite(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		op := s.operator()
		for _, name := range []string{"A", "B", "C"} {
			s.person(name, account.GeneralUser, phrase.Japanese)
		}
		admin := s.person("Hanako", account.PortalAdmin, phrase.English)
		gone := s.person("Gone", account.GeneralUser, phrase.English)
		s.in(func(ctx context.Context, tx *store.Tx) error { return account.Suspend(ctx, tx, gone.Ref, "test") })
		s.publish(op, "by_mail", "yes", "organization", "Aozora Trading")
		s.publish(op, "by_mail", "yes", "authority", "portal_admin", "until", "2018-03-12 09:00", "title_en", "Admins")
		s.publish(op, "by_mail", "yes", "from", "2018-03-20 09:00", "title_en", "Later")
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				m := &Mailing{DB: w.DB, Keys: w.Keys, Site: s.room.Site, Address: "portal.example", Wake: func() {}}
				if err := m.Run(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := s.count("mail where kind = 'notice' and lane = 'bulk'"); n != 5 {
			t.Errorf("%d letters, want 4 and 1", n)
		}
		if n := s.count("mail where subject = 'Business Portal: 受付時間の変更'"); n != 3 {
			t.Errorf("%d letters in Japanese", n)
		}
		if n := s.count("mail where holder_id = '" + admin.Ref.ID + "' and expires_at is not null"); n != 1 {
			t.Errorf("%d letters end with their notice", n)
		}
		if n := s.count("notice where mailed_at is not null"); n != 2 {
			t.Errorf("%d mailings are done", n)
		}
	})
}

package rollout

import (
	"context"
	"encoding/csv"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/mailotp"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/progress"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// watching is the room on a real database, behind a gate that lets everybody pass.
type watching struct {
	storetest.World
	t    *testing.T
	room *Room
	mux  *http.ServeMux
	n    int
}

func watches(t *testing.T, w storetest.World) *watching {
	t.Helper()
	s := &watching{World: w, t: t, mux: http.NewServeMux()}
	book, err := phrase.NewBook(page.Words, phrase.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	site, err := page.New(book, slog.New(slog.NewTextHandler(t.Output(), nil)), page.Options{Name: "Business Portal", House: time.FixedZone("JST", 9*60*60), Now: w.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	if s.room, err = New(Needs{DB: w.DB, Keys: w.Keys, Site: site, Wake: func() {}}); err != nil {
		t.Fatal(err)
	}
	for _, rt := range s.room.Routes() {
		s.mux.Handle(rt.Pattern, rt.Serve)
	}
	w.Clock.Set(on(3, 1))
	w.Clock.Accept()
	return s
}

func (s *watching) in(do func(ctx context.Context, tx *store.Tx) error) {
	s.t.Helper()
	write(s.t, s.World, do)
}

func (s *watching) organization(name string) (id string) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx *store.Tx) error {
		o, err := organization.Add(ctx, tx, name)
		id = o.ID
		return err
	})
	return id
}

func (s *watching) plan(organization string) (p Plan) {
	s.t.Helper()
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		p, err = Save(ctx, tx, Plan{Organization: organization, Opens: on(3, 4), Ends: on(4, 25), Zone: "Asia/Tokyo", Reminders: Usual}, "test")
		return err
	})
	return p
}

// people come to an organization; the first of them enroll, a day apart from the
// opening on, each second one with MailOTP.
func (s *watching) people(organization string, all, enrolled int) (list []account.Account) {
	s.t.Helper()
	for range all {
		s.in(func(ctx context.Context, tx *store.Tx) error {
			s.n++
			a, err := account.Add(ctx, tx, s.Keys, account.Account{Ref: account.Ref{Organization: organization}, Email: fmt.Sprintf("p%d@example.com", s.n),
				Name: fmt.Sprintf("Hanako %d", s.n%7), Phone: "03", Authority: account.GeneralUser, Language: phrase.English, Zone: "Asia/Tokyo"}, "test")
			list = append(list, a)
			return err
		})
	}
	at := s.Clock.Now()
	for i, a := range list[:enrolled] {
		s.Clock.Set(on(3, 5).Add(time.Duration(i) * 24 * time.Hour))
		s.in(func(ctx context.Context, tx *store.Tx) (err error) {
			if i%2 == 1 {
				_, err = mailotp.Enroll(ctx, tx, a.Ref)
				return err
			}
			return totp.Enroll(ctx, tx, s.Keys, a.Ref, make([]byte, 20), 1, 1)
		})
	}
	s.Clock.Set(at)
	s.Clock.Accept()
	if _, err := progress.Fold(s.t.Context(), s.DB); err != nil {
		s.t.Fatal(err)
	}
	return list
}

// ask opens a page; as "" of an operator, else as a Portal Admin of an organization.
func (s *watching) ask(path, organization string) *httptest.ResponseRecorder {
	s.t.Helper()
	v := &session.Visit{}
	v.Ref = account.Ref{Organization: organization, ID: "somebody"}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil).WithContext(session.With(s.t.Context(), v)))
	return w
}

// funnel is the numbers of the line from told to all.
var funnel = regexp.MustCompile(`<li(?: class="ends")?><b>([\d,]+)</b>`)

func (s *watching) stages(path, organization string) (list []string) {
	s.t.Helper()
	for _, found := range funnel.FindAllStringSubmatch(s.ask(path, organization).Body.String(), -1) {
		list = append(list, found[1])
	}
	return list
}

func TestARolloutIsWatchedForWhomItCovers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := watches(t, w)
		aozora, brennhof, closed := s.organization("Aozora"), s.organization("Brennhof"), s.organization("Closed")
		portal, own := s.plan(""), s.plan(brennhof)
		s.people(aozora, 40, 10)
		s.people(brennhof, 9, 7)
		s.people(closed, 5, 3)
		s.in(func(ctx context.Context, tx *store.Tx) error { return organization.Suspend(ctx, tx, closed, "test") })
		w.Clock.Set(on(3, 20))
		for _, c := range []struct{ path, organization, want string }{
			{"/operator/rollouts/" + portal.ID + "/progress", "operators", "[0 10 10 10 40]"},
			{"/operator/rollouts/" + own.ID + "/progress", "operators", "[0 7 7 7 9]"},
			{"/progress", aozora, "[0 10 10 10 40]"},
			{"/progress", brennhof, "[0 7 7 7 9]"},
		} {
			if got := fmt.Sprint(s.stages(c.path, c.organization)); got != c.want {
				t.Errorf("%s: %s, want %s", c.path, got, c.want)
			}
		}
		body := s.ask("/operator/rollouts/"+portal.ID+"/progress", "operators").Body.String()
		for _, text := range []string{"Aozora", ">10 enrolled<", "TOTP 5", "MailOTP 5", "25%"} {
			if !strings.Contains(body, text) {
				t.Errorf("the portal's page lacks %q", text)
			}
		}
		for _, text := range []string{"Brennhof", "Closed", ">17 enrolled<"} {
			if strings.Contains(body, text) {
				t.Errorf("the portal's page says %q", text)
			}
		}
		if days := s.table("/operator/rollouts/"+portal.ID+"/days.csv", "operators"); len(days) != 18 || days[17][8] != "10" || days[1][0] != "2018-03-04T21:00:00+09:00" {
			t.Errorf("days %v", days)
		}
		if list := s.table("/operator/rollouts/"+portal.ID+"/organizations.csv", "operators"); fmt.Sprint(list) != "[[organization accounts told signed_in started enrolled totp mailotp not_enrolled mail_fails] [Aozora 40 0 10 10 10 5 5 30 0]]" {
			t.Error(list)
		}
	})
}

// table reads a CSV.
func (s *watching) table(path, organization string) [][]string {
	s.t.Helper()
	text := strings.TrimPrefix(s.ask(path, organization).Body.String(), "\uFEFF")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		s.t.Fatalf("%s: %v: %s", path, err, text)
	}
	return rows
}

func TestAPortalAdminSeesTheOwnPeopleWhoAreNotEnrolledEachOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := watches(t, w)
		aozora, brennhof := s.organization("Aozora"), s.organization("Brennhof")
		s.plan("")
		own, others := s.people(aozora, 2*perPage+30, 15), s.people(brennhof, 5, 0)
		w.Clock.Set(on(3, 20))
		seen, path, pages := map[string]int{}, "/progress", 0
		for next := regexp.MustCompile(`href="(/progress\?after=[^"&]+)"`); path != "" && pages < 9; pages++ {
			body := s.ask(path, aozora).Body.String()
			path = ""
			for _, found := range regexp.MustCompile(`p\d+@example\.com`).FindAllString(body, -1) {
				seen[found]++
			}
			if found := next.FindStringSubmatch(body); found != nil {
				path = found[1]
			}
		}
		if pages != 3 || len(seen) != 2*perPage+15 {
			t.Errorf("%d people on %d pages", len(seen), pages)
		}
		for i, a := range own {
			if want := map[bool]int{true: 0, false: 1}[i < 15]; seen[a.Email] != want {
				t.Errorf("person %d stands %d times, want %d", i, seen[a.Email], want)
			}
		}
		body := s.ask("/progress?after="+others[0].ID, aozora).Body.String()
		if strings.Contains(body, others[1].Email) {
			t.Error("somebody of another organization is shown")
		}
	})
}

func TestEveryStateOfThePagesIsSaidInBothLanguages(t *testing.T) {
	s := watches(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	unsaid := regexp.MustCompile(`\[rollout\.[a-z_.]+\]|\{[a-z_]+\}|%!|no value`)
	look := func(state string, paths map[string]string, says, never string) {
		t.Helper()
		for path, organization := range paths {
			for _, lang := range phrase.Langs {
				w := s.ask(path+"?lang="+string(lang), organization)
				body := w.Body.String()
				if lost := unsaid.FindString(body); w.Code != http.StatusOK || lost != "" {
					t.Errorf("%s: %s in %s: %d, %q", state, path, lang, w.Code, lost)
				}
				if lang == phrase.English && (!strings.Contains(body, says) || never != "" && strings.Contains(body, never)) {
					t.Errorf("%s: %s does not say %q, or says %q", state, path, says, never)
				}
			}
		}
	}
	aozora := s.organization("Aozora")
	look("nothing is planned", map[string]string{"/progress": aozora}, "No change to 2-step sign-in is planned", "<svg class=\"plot")
	plan := s.plan("")
	both := map[string]string{"/operator/rollouts/" + plan.ID + "/progress": "operators", "/progress": aozora}
	look("there is nobody", both, "There is no account yet", "<svg class=\"plot")
	s.people(aozora, 40, 20)
	look("before the opening", both, "has not opened yet", "<svg class=\"plot")
	s.Clock.Set(on(3, 5))
	look("on the second day", both, "a forecast needs two days", "class=\"band\"")
	s.Clock.Set(on(3, 18))
	look("in the period", both, "In nine of ten such cases", "")
	look("the list", map[string]string{"/operator/rollouts/" + plan.ID + "/organizations": "operators"}, "1 to 1 of 1", "")
	s.Clock.Set(on(4, 20))
	look("in its last week", both, "fewer than five", "class=\"band\"")
	s.Clock.Set(on(4, 26))
	look("after the end", both, "The end has passed", "Today")
}

func TestWhomMailDoesNotReachIsCountedByTheAddressOfNow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := watches(t, w)
		aozora := s.organization("Aozora")
		plan := s.plan("")
		people := s.people(aozora, 6, 2)
		w.Clock.Set(on(3, 20))
		for _, row := range []struct {
			a         account.Account
			recipient string
		}{{people[0], people[0].Email}, {people[3], people[3].Email}, {people[3], "old@example.com"}, {people[4], "old@example.com"}} { // the first is enrolled
			s.in(func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, `insert into undeliverable (organization_id, holder_id, recipient, source, status, words, since_at, latest_at, mails)
					values ($1, $2, $3, 'bounce', '5.1.1', 'no', 1, 1, 1)`, row.a.Organization, row.a.ID, row.recipient)
				return err
			})
		}
		if body := s.ask("/operator/rollouts/"+plan.ID+"/progress", "operators").Body.String(); !strings.Contains(body, "Mail does not reach 1 person who is not enrolled") {
			t.Error("not the one whose present address fails is counted")
		}
		if body := s.ask("/progress", aozora).Body.String(); strings.Count(body, "Does not arrive") != 1 || strings.Count(body, people[3].Email) != 1 {
			t.Error("not the one whose present address fails is marked, once")
		}
	})
}

func TestALongListIsPagedAndSorted(t *testing.T) {
	s := watches(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	plan := s.plan("")
	const many = perPage + 20
	for i := range many {
		id := s.organization(fmt.Sprintf("Organization %03d", i))
		s.in(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `insert into progress (organization_id, accounts, told, signed, started, totp, mailotp) values ($1, $2, 0, 0, 0, $3, 0)`,
				id, 10+i%13, i%7)
			return err
		})
	}
	name := regexp.MustCompile(`Organization \d{3}`)
	for _, sorting := range append(sortings, sortings[0]) {
		path := "/operator/rollouts/" + plan.ID + "/organizations?sort=" + sorting.Name
		first := s.ask(path, "operators").Body.String()
		after := regexp.MustCompile(`after=([^"&]+)"`).FindStringSubmatch(first)
		if after == nil {
			t.Fatalf("%s: no second page", sorting.Name)
		}
		all := slices.Concat(name.FindAllString(first, -1), name.FindAllString(s.ask(path+"&after="+after[1], "operators").Body.String(), -1))
		if unique := slices.Compact(slices.Sorted(slices.Values(all))); len(all) != many || len(unique) != many {
			t.Errorf("%s: %d names, %d of them once", sorting.Name, len(all), len(unique))
		}
		if again := name.FindAllString(s.ask(path+"&after=nobody", "operators").Body.String(), -1); !slices.Equal(again, all[:perPage]) {
			t.Errorf("%s: after somebody unknown it is not the first page", sorting.Name)
		}
	}
}

func TestSortingsPutFirstWhatIsAskedFor(t *testing.T) {
	list := []standing{
		{Standing: progress.Standing{Name: "b", Figures: progress.Figures{Accounts: 10, TOTP: 9}}, Unreached: 1},
		{Standing: progress.Standing{Name: "a", Figures: progress.Figures{Accounts: 100, TOTP: 50}}},
		{Standing: progress.Standing{Name: "c", Figures: progress.Figures{Accounts: 60}}, Unreached: 7},
		{Standing: progress.Standing{Name: "d", Figures: progress.Figures{}}},
	}
	for by, want := range map[string]string{"open": "cabd", "share": "cabd", "name": "abcd", "accounts": "acbd", "unreached": "cbad", "": "cabd", "made up": "cabd"} {
		got, _ := sorted(list, by)
		names := ""
		for _, one := range got {
			names += one.Name
		}
		if names != want {
			t.Errorf("by %q: %s, want %s", by, names, want)
		}
	}
}

func TestAShareIsNeverRoundedToNobodyOrToAll(t *testing.T) {
	for _, c := range []struct {
		n, of int64
		want  string
	}{{0, 0, "–"}, {0, 9, "0%"}, {1, 1000, "<1%"}, {999, 1000, ">99%"}, {1, 2, "50%"}, {1, 3, "33%"}, {2, 3, "67%"}, {9, 9, "100%"}, {1, 100, "1%"}, {995, 1000, ">99%"}} {
		if got := percent(c.n, c.of); got != c.want {
			t.Errorf("%d of %d: %s, want %s", c.n, c.of, got, c.want)
		}
	}
}

func TestThePlansAreKeptWhileTheGateSeesTheSameVersion(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := watches(t, w)
		plan := s.plan("")
		at := func(version int64) (trips int64, found bool) {
			ctx, counted := store.Counting(session.With(t.Context(), &session.Visit{Policy: version}))
			book, err := s.room.book(ctx)
			if err != nil {
				t.Fatal(err)
			}
			p, _ := book.Find(plan.ID)
			return counted.N(), p.Version == plan.Version
		}
		now := version(t, w)
		for i, want := range []int64{1, 0, 0} {
			if trips, same := at(now); trips != want || !same {
				t.Errorf("time %d: %d round trips, %t", i, trips, same)
			}
		}
		s.in(func(ctx context.Context, tx *store.Tx) (err error) {
			plan, err = Change(ctx, tx, plan, "test")
			return err
		})
		if trips, same := at(version(t, w)); trips != 1 || !same {
			t.Errorf("after a change: %d round trips, %t", trips, same)
		}
		for range 2 {
			if trips, _ := at(0); trips != 1 {
				t.Errorf("without a gate: %d round trips", trips)
			}
		}
	})
}

func TestARolloutThatThereIsNotIsNotFound(t *testing.T) {
	s := watches(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	for _, page := range []string{"progress", "organizations", "organizations.csv", "days.csv"} {
		if w := s.ask("/operator/rollouts/none/"+page, "operators"); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", page, w.Code)
		}
	}
	if w := s.ask("/progress/days.csv", "nowhere"); w.Code != http.StatusNotFound {
		t.Errorf("without a rollout: %d", w.Code)
	}
}

package web

import (
	"context"
	"io"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/operator"
	"nidan/internal/password"
	"nidan/internal/progress"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// lead signs an operator in, with a fresh code.
func (k *walker) lead() {
	k.t.Helper()
	hash, err := k.portal.Pool.Hash(context.Background(), typed)
	if err != nil {
		k.t.Fatal(err)
	}
	err = k.DB.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		o, err := operator.Add(ctx, tx, operator.Operator{Email: "olga@portal.example", Name: "Olga", Language: "en", Zone: "UTC"}, "test")
		if err != nil {
			return err
		}
		if err := password.Set(ctx, tx, o.Ref(), hash, password.Changed); err != nil {
			return err
		}
		return totp.Enroll(ctx, tx, k.Keys, o.Ref(), k.key, 0, 0)
	})
	if err != nil {
		k.t.Fatal(err)
	}
	k.do("", "POST", "/operator/signin", 303, "email", "olga@portal.example", "password", typed)
	k.do("", "POST", "/signin/code", 303, "code", k.code())
}

// atOnce posts forms together, and counts the answers by status. None fails.
func (k *walker) atOnce(path string, forms []url.Values) map[int]int {
	k.t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	counts := map[int]int{}
	for _, form := range forms {
		all.Go(func() {
			answer, err := k.client.PostForm(k.server.URL+path, form)
			if err != nil {
				k.t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, answer.Body) // only its status is looked at
			_ = answer.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			counts[answer.StatusCode]++
		})
	}
	all.Wait()
	if counts[500] > 0 {
		k.t.Errorf("%s: %v", path, counts)
	}
	return counts
}

func form(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values
}

func TestOfManyDeedsOnARolloutAtOnceOneIsDone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		k.people()
		k.lead()
		if _, err := progress.Fold(t.Context(), w.DB); err != nil {
			t.Fatal(err)
		}
		var id string
		if err := w.DB.QueryRow(t.Context(), `select id from rollout`).Scan(&id); err != nil {
			t.Fatal(err)
		}
		rows := func(from string) (n int) {
			t.Helper()
			if err := w.DB.QueryRow(t.Context(), `select count(*) from `+from).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		at := func(days int) string { return w.Clock.Now().AddDate(0, 0, days).Format(time.RFC3339) }
		opens := w.Clock.Now().AddDate(0, 0, -7).Format(time.RFC3339Nano)

		// six others of the same scope, each overlapping the next
		var forms []url.Values
		for i := range 6 {
			forms = append(forms, form("zone", "UTC", "opens", at(60+i), "ends", at(90+i), "reminders", "1", "sure", "yes"))
		}
		if counts := k.atOnce("/operator/rollouts/new", forms); counts[303] != 1 || rows(`rollout`) != 2 {
			t.Errorf("planned at once: %v, %d rollouts", counts, rows(`rollout`))
		}
		forms = nil
		for i := range 6 {
			forms = append(forms, form("version", "1", "zone", "UTC", "opens", opens, "ends", at(20+i), "reminders", "1", "sure", "yes"))
		}
		if counts := k.atOnce("/operator/rollouts/"+id+"/change", forms); counts[303] != 1 || rows(`rollout_version where what = 'changed'`) != 1 {
			t.Errorf("changed at once: %v, %d versions", counts, rows(`rollout_version where what = 'changed'`))
		}
		forms = nil
		for i := range 6 {
			forms = append(forms, form("people", "grace@aozora.example", "until", at(40+i), "reason", "x"))
		}
		if k.atOnce("/operator/rollouts/"+id+"/extend", forms); rows(`extension where replaced_at is null`) != 1 {
			t.Errorf("%d extensions hold", rows(`extension where replaced_at is null`))
		}
		forms = nil
		for i := range 6 {
			forms = append(forms, form("organization", "Aozora", "until", at(40+i), "reason", "x"))
		}
		if k.atOnce("/operator/rollouts/"+id+"/extend", forms); rows(`extension where replaced_at is null and holder_id = ''`) != 1 {
			t.Errorf("%d extensions of the organization hold", rows(`extension where replaced_at is null and holder_id = ''`))
		}
		forms = []url.Values{form("sure", "yes"), form("sure", "yes"), form("sure", "yes")}
		if counts := k.atOnce("/operator/rollouts/"+id+"/withdraw", forms); counts[303] != 1 || rows(`rollout_version where what = 'withdrawn'`) != 1 {
			t.Errorf("withdrawn at once: %v", counts)
		}
		forms = nil
		for range 4 {
			forms = append(forms, form("opens", at(200), "closes", w.Clock.Now().AddDate(0, 0, 200).Add(time.Hour).Format(time.RFC3339), "sure", "yes", "meant", "yes"))
		}
		k.atOnce("/operator/windows/new", forms)
		var window string
		if err := w.DB.QueryRow(t.Context(), `select max(id) from maintenance_window`).Scan(&window); err != nil {
			t.Fatal(err)
		}
		forms = []url.Values{form(), form(), form()}
		if counts := k.atOnce("/operator/windows/"+window+"/cancel", forms); counts[303] != 1 {
			t.Errorf("cancelled at once: %v", counts)
		}
	})
}

// Two nodes on one database: a shorter end that one saves binds a session at its next
// request to the other, though that has a copy of what was planned before.
func TestAShorterEndBindsOnEveryNodeAtTheNextRequest(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		k.people()
		other := httptest.NewServer(portal(t, w, false).Handler())
		t.Cleanup(other.Close)
		k.lead()
		leader, one := k.client, k.server
		k.browser()
		k.do("", "POST", "/signin", 303, "email", "grace@aozora.example", "password", typed)
		cookies := k.client.Jar.Cookies(hostOf(t, one))
		k.client.Jar.SetCookies(hostOf(t, other), cookies)
		k.server = other
		k.do("", "GET", "/", 200)
		grace := k.client
		var id string
		if err := w.DB.QueryRow(t.Context(), `select id from rollout`).Scan(&id); err != nil {
			t.Fatal(err)
		}
		k.client, k.server = leader, one
		opens, soon := w.Clock.Now().AddDate(0, 0, -7), w.Clock.Now().Add(time.Second)
		k.do("", "POST", "/operator/rollouts/"+id+"/change", 303, "version", "1", "zone", "UTC", "opens", opens.Format(time.RFC3339Nano),
			"ends", soon.Format(time.RFC3339), "reminders", "1", "sure", "yes")
		k.client, k.server = grace, other
		w.Clock.Set(soon.Add(-time.Microsecond))
		k.do("", "GET", "/", 200)
		w.Clock.Set(soon)
		k.do("", "POST", "/setup/method", 403, "method", "totp")
		k.do("", "GET", "/", 403)
	})
}

func hostOf(t *testing.T, of *httptest.Server) *url.URL {
	t.Helper()
	u, err := url.Parse(of.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// At the very instant at which a window opens nothing is done by a POST, of whoever
// is not on its list; a microsecond before it is.
func TestAtTheInstantAWindowOpensNoFormDoesAnything(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		k.people()
		k.lead()
		leader := k.client
		k.browser()
		k.do("", "POST", "/signin", 303, "email", "grace@aozora.example", "password", typed)
		opens := w.Clock.Now().Add(5 * time.Minute)
		grace := k.client
		k.client = leader
		k.do("", "POST", "/operator/windows/new", 303, "opens", opens.Format(time.RFC3339), "closes", opens.Add(time.Hour).Format(time.RFC3339), "sure", "yes", "meant", "yes")
		var window string
		if err := w.DB.QueryRow(t.Context(), `select id from maintenance_window`).Scan(&window); err != nil {
			t.Fatal(err)
		}
		// another, with nobody on its list, as a console plans it
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `delete from maintenance_operator`)
			if err == nil {
				_, err = tx.Exec(ctx, `update policy set version = version + 1`)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.Clock.Set(opens.Add(-time.Microsecond))
		k.client = grace
		k.do("", "POST", "/setup/method", 303, "method", "totp")
		w.Clock.Set(opens)
		k.do("", "POST", "/setup/method", 503, "method", "mailotp")
		k.do("", "POST", "/setup", 503)
		k.do("", "POST", "/signin", 503, "email", "grace@aozora.example", "password", typed)
		k.client = leader
		k.do("", "POST", "/operator/windows/"+window+"/cancel", 503)
		k.do("", "POST", "/operator/windows/"+window+"/lift", 503)
		k.do("", "POST", "/operator/rollouts/new", 503, "sure", "yes")
		k.do("", "GET", "/status", 200)
		var method string
		if err := w.DB.QueryRow(t.Context(), `select method from setup`).Scan(&method); err != nil || method != "totp" {
			t.Errorf("the set-up is %q: %v", method, err)
		}
		w.Clock.Set(opens.Add(time.Hour))
		k.do("", "GET", "/operator/signin", 200)
	})
}

// What operators and addresses say stands in pages, calendar and letters as text:
// no markup, no line of a header, no entry of a calendar comes from it.
func TestNothingThatIsSaidOfARolloutBreaksOutOfItsPlace(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		const evil = "</p><script>alert(1)</script>\r\nBcc: x@evil.example\r\n\r\nBEGIN:VEVENT\r\nSUMMARY:evil; a, b\\n \u202e{name} https://evil.example/signin"
		k := walk(t, w)
		k.people()
		k.lead()
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update organization set name = $1`, `=cmd|'/c calc'!A1;"><script>alert(1)</script>`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var id string
		if err := w.DB.QueryRow(t.Context(), `select id from rollout`).Scan(&id); err != nil {
			t.Fatal(err)
		}
		opens := w.Clock.Now().AddDate(0, 0, -7).Format(time.RFC3339Nano)
		k.do("", "POST", "/operator/rollouts/"+id+"/change", 303, "version", "1", "zone", "UTC", "opens", opens,
			"ends", w.Clock.Now().AddDate(0, 0, 20).Format(time.RFC3339), "reminders", "1", "sure", "yes", "message_en", evil, "message_ja", evil)
		if _, err := progress.Fold(t.Context(), w.DB); err != nil {
			t.Fatal(err)
		}
		k.do("", "POST", "/operator/rollouts/"+id+"/reminders/announcement", 303)
		if err := k.portal.Remind(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := k.portal.Post.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		paths := []string{"/announcement", "/announcement?lang=ja", "/announcement?lang=%0d%0aX:1", "/announcement.ics", "/announcement.ics?lang=ja", "/status", "/status?zone=%3Cscript%3E%0d%0a",
			"/contact", "/contact?zone=%22%3E%3Cscript%3E", "/guide/portal-admin", "/guide/general-user", "/operator/rollouts", "/operator/rollouts/" + id, "/operator/rollouts/" + id + "/progress",
			"/operator/rollouts/" + id + "/forecast?at=%3Cscript%3E", "/operator/rollouts/" + id + "/forecast?at=9999-12-31T23:59", "/operator/rollouts/" + id + "/organizations?sort=%3Cscript%3E&after=%00",
			"/operator/rollouts/" + id + "/forecast.csv", "/operator/rollouts/" + id + "/organizations.csv", "/operator/rollouts/" + id + "/reminders", "/operator/rollouts/" + id + "?done=%3Cscript%3E",
			"/operator/rollouts/" + id + "/extend?after=-9999999999999999999", "/operator/passes?q=%3Cscript%3E%00%25_"}
		for _, path := range paths {
			answer, err := k.client.Get(k.server.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			body := string(raw)
			if answer.StatusCode >= 500 {
				t.Errorf("%s: %d", path, answer.StatusCode)
			}
			media := answer.Header.Get("Content-Type")
			if strings.HasPrefix(media, "text/html") && (strings.Contains(body, "<script>alert") || strings.Contains(body, `"><script`)) {
				t.Errorf("%s: markup of somebody's stands in the page", path)
			}
			if strings.HasPrefix(media, "text/html") && strings.Contains(body, `href="https://evil.example`) {
				t.Errorf("%s: an address that somebody wrote is a link", path)
			}
			if strings.HasPrefix(media, "text/csv") && (strings.Contains(body, "\n=") || strings.Contains(body, ",=") || strings.Contains(body, "\"=")) {
				t.Errorf("%s: a formula:\n%s", path, body)
			}
			if strings.HasPrefix(media, "text/calendar") {
				if strings.Contains(body, "\nBEGIN:VEVENT\r\nSUMMARY:evil") || strings.Count(body, "\nBEGIN:VEVENT") != strings.Count(body, "\nEND:VEVENT") {
					t.Errorf("%s: somebody's entry:\n%s", path, body)
				}
				for line := range strings.SplitSeq(strings.TrimSuffix(body, "\r\n"), "\r\n") {
					if len(line) > 75 || strings.ContainsAny(line, "\r\n") {
						t.Errorf("%s: a line of %d octets: %q", path, len(line), line)
					}
				}
			}
			if strings.HasPrefix(path, "/operator") && !strings.Contains(answer.Header.Get("Cache-Control"), "no-store") {
				t.Errorf("%s may be kept: %q", path, answer.Header.Get("Cache-Control"))
			}
			if answer.Header.Get("X") != "" {
				t.Errorf("%s: a header of somebody's", path)
			}
		}
		if len(*k.mailbox) < 1 {
			t.Error("nobody was written to")
		}
		for _, m := range *k.mailbox {
			if strings.ContainsAny(m.Subject+m.To, "\r\n") {
				t.Errorf("a subject %q to %q", m.Subject, m.To)
			}
			if strings.Contains(m.HTML, "<script>") || strings.Contains(m.HTML, `href="https://evil`) {
				t.Errorf("markup in a letter: %s", m.HTML)
			}
		}
	})
}

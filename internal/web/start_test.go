package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/mailotp"
	"nidan/internal/maintenance"
	"nidan/internal/organization"
	"nidan/internal/pass"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// guided is somebody new with the path of his starting guide.
type guided struct {
	account.Account
	path string
}

// who is what he types of himself.
func (g guided) who(more ...string) []string {
	return append([]string{"email", g.Email, "name", g.Name, "phone", g.Phone}, more...)
}

// begins is what he posts with the second form.
func (g guided) begins() []string {
	return g.who("step", "password", "password", typed, "password_again", typed)
}

func (k *walker) write(do func(ctx context.Context, tx *store.Tx) error) {
	k.t.Helper()
	if err := k.DB.Write(context.Background(), do); err != nil {
		k.t.Fatal(err)
	}
}

// newcomer adds somebody to an organization of his own, with a starting guide.
func (k *walker) newcomer(name string) (g guided) {
	k.t.Helper()
	k.write(func(ctx context.Context, tx *store.Tx) error {
		o, err := organization.Add(ctx, tx, "Of "+name)
		if err != nil {
			return err
		}
		g.Account, err = account.Add(ctx, tx, k.Keys, account.Account{Ref: account.Ref{Organization: o.ID}, Email: name + "@new.example",
			Name: "New Person", Phone: "0312345678", Authority: account.GeneralUser, Language: "en", Zone: "Asia/Tokyo"}, "test")
		return err
	})
	g.path = k.given(g.Account, pass.Guide)
	return g
}

// given gives somebody a link.
func (k *walker) given(a account.Account, kind pass.Kind) (path string) {
	k.t.Helper()
	k.write(func(ctx context.Context, tx *store.Tx) error {
		token, _, err := pass.Give(ctx, tx, a.Ref, kind, pass.Given{By: "test", Why: "test"})
		path = "/start/" + token
		return err
	})
	return path
}

func (k *walker) found(from string, args ...any) (n int) {
	k.t.Helper()
	if err := k.DB.QueryRow(context.Background(), `select count(*) from `+from, args...).Scan(&n); err != nil {
		k.t.Fatal(err)
	}
	return n
}

// dead are starting guides that lead nowhere, each for another reason, with what
// their holders type.
func (k *walker) dead() map[string]guided {
	k.t.Helper()
	at := k.Clock.Now()
	expired := k.newcomer("expired")
	k.Clock.Set(at.Add(72 * time.Hour))
	list := map[string]guided{"a second after 72 hours": expired}
	one := func(why, name string, change func(ctx context.Context, tx *store.Tx, g *guided) error) {
		g := k.newcomer(name)
		k.write(func(ctx context.Context, tx *store.Tx) error { return change(ctx, tx, &g) })
		list[why] = g
	}
	one("a link that never was", "never", func(_ context.Context, _ *store.Tx, g *guided) error {
		g.path = "/start/" + strings.Repeat("A", 43)
		return nil
	})
	one("another name", "othername", func(_ context.Context, _ *store.Tx, g *guided) error { g.Name = "Old Person"; return nil })
	one("another address", "mailed", func(_ context.Context, _ *store.Tx, g *guided) error { g.Email = "m@new.example"; return nil })
	one("another phone", "phone", func(_ context.Context, _ *store.Tx, g *guided) error { g.Phone = "0312345679"; return nil })
	one("spent", "spent", func(ctx context.Context, tx *store.Tx, g *guided) error {
		_, p, err := pass.ByToken(ctx, tx, strings.TrimPrefix(g.path, "/start/"))
		if err != nil {
			return err
		}
		return pass.Spend(ctx, tx, g.Ref, p.ID)
	})
	one("withdrawn", "withdrawn", func(ctx context.Context, tx *store.Tx, g *guided) error { return pass.Withdraw(ctx, tx, g.Ref) })
	one("suspended", "suspended", func(ctx context.Context, tx *store.Tx, g *guided) error {
		return account.Suspend(ctx, tx, g.Ref, "test")
	})
	one("of an organization that is suspended", "closed", func(ctx context.Context, tx *store.Tx, g *guided) error {
		_, err := tx.Exec(ctx, `update organization set suspended_at = 1 where id = $1`, g.Organization)
		return err
	})
	one("enrolled", "enrolled", func(ctx context.Context, tx *store.Tx, g *guided) error {
		_, err := mailotp.Enroll(ctx, tx, g.Ref)
		return err
	})
	replaced := k.newcomer("replaced")
	k.given(replaced.Account, pass.Guide)
	list["replaced"] = replaced
	other, latecomer := k.newcomer("other"), k.newcomer("latecomer")
	foreign := k.newcomer("foreign")
	foreign.path = other.path
	list["the link of another organization"] = foreign
	latecomer.path = k.given(latecomer.Account, pass.Latecomer)
	list["a pass that is no guide"] = latecomer
	return list
}

func TestAStartingGuideThatLeadsNowhereIsAnsweredAlikeWhateverTheReason(t *testing.T) {
	t.Parallel() // it has a portal of its own
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		list := k.dead()
		hashes := k.portal.Pool.Hashes()
		for _, fields := range []func(guided) []string{func(g guided) []string { return g.who() }, guided.begins} {
			answers := map[string][]string{}
			k.do("", "GET", "/signin", 200)
			for why, g := range list {
				k.browser()
				k.do("", "GET", g.path, 200)
				k.do("", "POST", g.path, 422, fields(g)...)
				text := strings.NewReplacer(g.Email, "EMAIL", g.Name, "NAME", g.Phone, "PHONE", g.path, "PATH").Replace(k.body)
				one := fmt.Sprint(k.trips, " round trips ", text)
				answers[one] = append(answers[one], why)
			}
			if len(answers) != 1 {
				for answer, why := range answers {
					t.Errorf("%q are answered %.2500s", why, answer)
				}
			}
		}
		if k.portal.Pool.Hashes() != hashes || k.found(`session`) != 0 || k.found(`setup`) != 0 || k.found(`password`) != 0 {
			t.Error("somebody made the portal hash, or began, without a guide of his own")
		}
		if n := k.found(`audit where act = 'account:guide:denied'`); n != 2*len(list) {
			t.Errorf("%d denials are on record, of %d", n, 2*len(list))
		}
	})
}

func TestOpeningAStartingGuideIsTheSameForEveryLinkAndSpendsNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		g := k.newcomer("taro")
		k.do("", "GET", "/signin", 200)
		var pages []string
		for _, path := range []string{g.path, "/start/x"} {
			for range 3 {
				k.do("", "HEAD", path, 200)
				k.do("", "GET", path, 200)
				pages = append(pages, fmt.Sprint(k.trips, strings.ReplaceAll(k.body, path, "PATH")))
			}
		}
		for _, page := range pages {
			if page != pages[0] {
				t.Fatalf("%s\n\nis not\n\n%s", page, pages[0])
			}
		}
		if k.found(`audit`) != 0 || k.found(`allowance`) != 0 {
			t.Error("opening a link has written something")
		}
		k.do("", "POST", g.path, 303, g.begins()...)
	})
}

func TestWrongTriesOfAStartingGuideAreSlowedForALinkThatNeverWasToo(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		g := k.newcomer("taro")
		var answers []string
		for _, path := range []string{g.path, "/start/x"} {
			for range 10 {
				k.do("", "POST", path, 422, "email", g.Email, "name", g.Name, "phone", "1")
			}
			k.do("", "POST", path, 429, g.begins()...) // not even with everything right
			answers = append(answers, fmt.Sprint(k.trips, strings.ReplaceAll(k.body, path, "PATH")))
		}
		if answers[0] != answers[1] {
			t.Errorf("%s\n\nis not\n\n%s", answers[0], answers[1])
		}
		k.later(31 * time.Minute)
		for range 12 { // who is right is not slowed
			k.do("", "POST", g.path, 200, g.who()...)
		}
		k.do("", "POST", g.path, 303, g.begins()...)
	})
}

func TestWhoIsIdentifiedIsSlowedWhereHeMakesThePortalHash(t *testing.T) {
	t.Parallel()
	k := walk(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	g := k.newcomer("taro")
	for range 10 {
		k.do("", "POST", g.path, 422, g.who("password", "short", "password_again", "short")...)
	}
	k.do("", "POST", g.path, 429, g.begins()...)
	k.later(time.Minute)
	k.do("", "POST", g.path, 303, g.begins()...)
}

func TestAGuideReplacedBetweenThePagesLeadsNowhere(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		g := k.newcomer("taro")
		k.do("", "POST", g.path, 200, g.who()...)
		newer := k.given(g.Account, pass.Guide)
		k.do("", "POST", g.path, 422, g.begins()...)
		g.path = newer
		k.do("", "POST", g.path, 303, g.begins()...)
		k.do("", "GET", "/setup", 303) // on to the step that comes first
		// And one replaced after the password ends the session that it began.
		k.given(g.Account, pass.Guide)
		k.do("", "GET", "/setup", 303)
		k.do("", "GET", "/setup/totp", 303)
		k.do("", "POST", "/setup/totp", 403, "code", "000000")
		if k.found(`password`) != 0 || k.found(`totp`) != 0 {
			t.Error("something was set up")
		}
	})
}

func TestAGuideLeadsOnUntilAMicrosecondBeforeItsEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		g := k.newcomer("taro")
		k.later(72*time.Hour - time.Microsecond)
		k.do("", "POST", g.path, 303, g.begins()...)
		k.do("", "GET", "/setup/totp", 200)
		key := k.setupKey()
		k.later(time.Microsecond)
		k.do("", "POST", "/setup/totp", 403, "code", totp.Code(key, totp.Step(k.Clock.Now())))
		k.browser()
		k.do("", "POST", g.path, 422, g.begins()...)
		if k.found(`password`) != 0 || k.found(`totp`) != 0 || k.found(`grace_end`) != 0 {
			t.Error("something was set up after the end")
		}
	})
}

func TestOfTwoBrowsersWithOneGuideAtOnceOneEnrolls(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		g := k.newcomer("taro")
		clients, codes := make([]*http.Client, 2), make([]string, 2)
		for i := range clients {
			k.browser()
			clients[i] = k.client
			k.do("", "POST", g.path, 303, g.begins()...)
			k.do("", "GET", "/setup/totp", 200)
			codes[i] = totp.Code(k.setupKey(), totp.Step(k.Clock.Now()))
		}
		var all sync.WaitGroup
		for i, client := range clients {
			all.Go(func() {
				answer, err := client.PostForm(k.server.URL+"/setup/totp", url.Values{"code": {codes[i]}})
				if err != nil {
					t.Error(err)
					return
				}
				_ = answer.Body.Close()
			})
		}
		all.Wait()
		if n := k.found(`audit where act = 'account:method:enrolled'`); n != 1 {
			t.Errorf("%d enrolled", n)
		}
		if k.found(`pass where spent_at is not null`) != 1 || k.found(`session where ended_at is null`) != 1 || k.found(`password`) != 1 ||
			k.found(`setup where password_hash is not null or secret is not null`) != 0 {
			t.Error("more than one came in, or what was not proved was kept")
		}
	})
}

func TestAnOldPasswordWorksUntilTheGuidesSetUpIsDone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		k.people()
		var a account.Account
		k.write(func(ctx context.Context, tx *store.Tx) (err error) {
			ref, err := account.Holder(ctx, tx, "grace@aozora.example")
			if err != nil {
				return err
			}
			if a, err = account.Find(ctx, tx, ref); err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `update account set authority = 'general_user' where organization_id = $1 and id = $2`, ref.Organization, ref.ID)
			return err
		})
		g := guided{Account: a, path: k.given(a, pass.Guide)}
		const newer = "harbor under lantern"
		k.do("", "POST", g.path, 303, g.who("password", newer, "password_again", newer)...)
		begun := k.client
		k.browser()
		k.do("", "POST", "/signin", 422, "email", g.Email, "password", newer)
		k.do("", "POST", "/signin", 303, "email", g.Email, "password", typed)
		k.client = begun
		k.do("", "GET", "/", 303) // set-up and nothing else, grace or not
		k.do("", "GET", "/setup/totp", 200)
		key := k.setupKey()
		k.do("", "POST", "/setup/totp", 303, "code", totp.Code(key, totp.Step(k.Clock.Now())))
		k.browser()
		k.do("", "POST", "/signin", 422, "email", g.Email, "password", typed)
		k.do("", "POST", "/signin", 303, "email", g.Email, "password", newer)
	})
}

func TestInAWindowAStartingGuideIsClosedAndNothingIsCounted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		g := k.newcomer("taro")
		k.write(func(ctx context.Context, tx *store.Tx) error {
			_, err := maintenance.Plan(ctx, tx, tx.Now().Add(time.Minute), tx.Now().Add(time.Hour), "test")
			return err
		})
		k.later(2 * time.Minute)
		hashes := k.portal.Pool.Hashes()
		k.do("", "GET", g.path, 503)
		k.do("", "POST", g.path, 503, g.who()...)
		k.do("", "POST", g.path, 503, g.begins()...)
		if k.portal.Pool.Hashes() != hashes || k.found(`allowance`) != 0 || k.found(`session`) != 0 || k.found(`audit where act like 'account:guide:%'`) != 0 {
			t.Error("something was done in the window")
		}
		k.later(time.Hour)
		k.do("", "POST", g.path, 303, g.begins()...)
	})
}

// The name of what was typed twice must not become a way around the rule.
func TestThePasswordOfAStartingGuideFollowsTheRule(t *testing.T) {
	t.Parallel()
	k := walk(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	g := k.newcomer("taro")
	for _, fields := range [][]string{
		{"step", "password"},
		{"password", typed},
		{"password", typed, "password_again", "lantern over harbour"},
		{"password", "1234567", "password_again", "1234567"},
		{"password", "password", "password_again", "password"},
		{"password", "newperson0312345678", "password_again", "newperson0312345678"},
		{"password", strings.Repeat("ab c", 33), "password_again", strings.Repeat("ab c", 33)},
	} {
		k.do("", "POST", g.path, 422, g.who(fields...)...)
		if !strings.Contains(k.body, `name="step" value="password"`) || strings.Contains(k.body, `value="`+typed) {
			t.Errorf("%q: not the second form, or with the password in it", fields)
		}
		k.later(time.Minute)
	}
	if k.found(`session`) != 0 {
		t.Error("a session began")
	}
	k.do("", "POST", g.path, 303, g.who("password", "8 chars!", "password_again", "8 chars!")...)
	if stored := k.found(`password`); stored != 0 {
		t.Errorf("%d passwords are stored before the second verification is proved", stored)
	}
	if match, err := k.portal.Pool.Verify(context.Background(), k.keptHash(), "8 chars!"); err != nil || !match.Right {
		t.Errorf("what was typed is not what is kept: %v", err)
	}
}

func (k *walker) keptHash() (hash string) {
	k.t.Helper()
	if err := k.DB.QueryRow(context.Background(), `select password_hash from setup`).Scan(&hash); err != nil {
		k.t.Fatal(err)
	}
	return hash
}

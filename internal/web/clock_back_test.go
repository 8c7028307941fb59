package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"nidan/internal/clock"
	"nidan/internal/signin"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/totp"
)

// running is a world whose clock is the machine's, with a database that asks it.
func running(t *testing.T, source string, ahead time.Duration) storetest.World {
	t.Helper()
	w := storetest.World{Clock: clock.New(), Keys: storetest.Keys(t)}
	w.Clock.Jump(ahead)
	db, err := store.Open(context.Background(), source, w.Clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	w.DB = db
	return w
}

// ready asks for the readiness of this moment, and for why not.
func (k *walker) ready(want int, why string) {
	k.t.Helper()
	k.portal.ready.mu.Lock()
	k.portal.ready.at = time.Time{}
	k.portal.ready.mu.Unlock()
	k.do("", "GET", "/readyz", want)
	if !strings.Contains(k.body, why) {
		k.t.Errorf("it is ready or not for another reason: %s", k.body)
	}
}

// byPhone signs in with the password, and then with what the phone shows by the right time.
func (k *walker) byPhone(status int) { k.t.Helper(); k.byStep(status, totp.Step(k.Clock.Raw())) }

func (k *walker) byStep(status int, step int64) {
	k.t.Helper()
	k.browser()
	k.do("", "POST", "/signin", 303, "email", "app@aozora.example", "password", typed)
	k.do("", "POST", "/signin/code", status, "code", totp.Code(k.key, step))
}

// floor is the step up to which none is accepted.
func (k *walker) floor() (step int64) {
	k.t.Helper()
	if err := k.DB.QueryRow(context.Background(), `select floor_step from clock`).Scan(&step); err != nil {
		k.t.Fatal(err)
	}
	return step
}

// The machine's clock was ahead and is set right, by 90 seconds or a day, while the
// portal runs or between two lives of it: no code of an app is taken and readiness says
// so, until the clock has caught up or somebody accepts the lower time.
func TestAClockSetBackTakesNoAppCodeAndSaysSoUntilItHasCaughtUpOrIsAccepted(t *testing.T) {
	t.Parallel() // it has portals of its own
	sources := map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgresql": storetest.PostgreSQL}
	for engine, source := range sources {
		for _, by := range []time.Duration{90 * time.Second, 24 * time.Hour} {
			for _, restarted := range []bool{false, true} {
				name := engine + " by " + by.String()
				if restarted {
					name += ", across a restart"
				}
				t.Run(name, func(t *testing.T) { setBack(t, source(t), by, restarted) })
			}
		}
	}
}

func setBack(t *testing.T, source string, by time.Duration, restarted bool) {
	k := walk(t, running(t, source, by))
	k.people()
	k.ready(http.StatusOK, "ready")
	k.byPhone(http.StatusSeeOther)
	ahead := totp.Step(k.Clock.Now())
	if err := clock.Remember(t.Context(), k.DB, k.Clock); err != nil {
		t.Fatal(err)
	}
	if restarted {
		if err := clock.Stop(t.Context(), k.DB, "test"); err != nil { // cleanly, and yet the floor is raised
			t.Fatal(err)
		}
		key := k.key
		k = walk(t, running(t, source, 0))
		k.key = key
		if floor := k.floor(); floor < ahead {
			t.Errorf("the floor is %d, want %d at least", floor, ahead)
		}
	} else {
		k.Clock.Jump(0)
	}
	k.ready(http.StatusServiceUnavailable, "nidan clock accept")
	k.byPhone(http.StatusUnprocessableEntity)
	k.Clock.Jump(by + 31*time.Second) // it has caught up
	k.ready(http.StatusOK, "ready")
	k.byPhone(http.StatusSeeOther)

	k.Clock.Jump(0)
	k.ready(http.StatusServiceUnavailable, "nidan clock accept")
	console := running(t, source, 0) // `nidan clock accept`
	err := console.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		was, is, err := clock.Accept(ctx, tx, console.Clock)
		if err != nil {
			return err
		}
		return signin.Rewind(ctx, tx, was, is)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.portal.Upkeep(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.ready(http.StatusOK, "ready")
	k.byStep(http.StatusUnprocessableEntity, k.floor()) // of the half minute in which it was accepted
	k.Clock.Jump(5 * time.Minute)
	k.byPhone(http.StatusSeeOther)
}

package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// Right passwords cost a hash, a session and a record each: whoever has a stolen one
// is slowed at his own place, and nobody else is, least of all the owner.
func TestRightPasswordsAreSlowedDownToo(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		k.people()
		handler := k.portal.Handler()
		try := func(name, from, password string) *httptest.ResponseRecorder {
			form := url.Values{"email": {name + "@aozora.example"}, "password": {password}}
			r := httptest.NewRequest("POST", "/signin", strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.RemoteAddr = from + ":1234"
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, r)
			return answer
		}
		const thief, owner = "203.0.113.9", "198.51.100.7"
		for i := range 30 {
			if answer := try("app", thief, typed); answer.Code != http.StatusSeeOther {
				t.Fatalf("try %d: %d", i, answer.Code)
			}
		}
		hashes := k.portal.Pool.Hashes()
		if answer := try("app", thief, typed); answer.Code != http.StatusTooManyRequests || answer.Header().Get("Retry-After") != "10" {
			t.Errorf("the 31st at once: %d, Retry-After %q", answer.Code, answer.Header().Get("Retry-After"))
		}
		if try("app", thief, "a wrong one").Code != http.StatusTooManyRequests {
			t.Error("a wrong one is told apart from a right one")
		}
		if k.portal.Pool.Hashes() != hashes {
			t.Error("it made the portal hash")
		}
		if answer := try("app", owner, typed); answer.Code != http.StatusSeeOther {
			t.Errorf("the owner elsewhere: %d", answer.Code)
		}
		if answer := try("grace", thief, typed); answer.Code != http.StatusSeeOther {
			t.Errorf("somebody else at the same place: %d", answer.Code)
		}
		k.later(10 * time.Second)
		if first, second := try("app", thief, typed).Code, try("app", thief, typed).Code; first != http.StatusSeeOther || second != http.StatusTooManyRequests {
			t.Errorf("ten seconds later: %d, and once more: %d", first, second)
		}
	})
}

func TestPasswordsAreNotChangedWithoutEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		k := walk(t, w)
		k.people()
		k.do("", "POST", "/signin", 303, "email", "app@aozora.example", "password", typed)
		k.do("", "POST", "/signin/code", 303, "code", k.code())
		err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update allowance set full_at = full_at + $1 where name like 'password:right:%'`, (28 * 10 * time.Second).Microseconds())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		change := func(status int, password string) {
			k.do("", "POST", "/profile/password", status, "password", password, "password_again", password)
		}
		change(303, "harbor under lantern")
		hashes := k.portal.Pool.Hashes()
		change(429, "lantern under harbor")
		if k.portal.Pool.Hashes() != hashes {
			t.Error("it made the portal hash")
		}
		k.later(10 * time.Second)
		change(303, "lantern under harbor")
	})
}

package web

import (
	"strings"
	"testing"

	"nidan/internal/store/storetest"
)

// When more people come than can be served, refusing costs next to nothing: the gate's
// question and a page, which keeps what was typed. Nothing is read of whoever asks, so
// that nobody is told apart, and nothing is counted against him.
func TestWhoCannotBeServedIsRefusedBeforeAnythingIsReadOfHim(t *testing.T) {
	w := storetest.Open(t, storetest.SQLite(t))
	k := walk(t, w)
	k.people()
	k.portal.Pool.Close()           // nobody more may stand in its line
	k.do("", "GET", "/signin", 200) // from here on the gate knows what is planned
	counted := k.allowances()
	for _, email := range []string{"app@aozora.example", "nobody@aozora.example"} {
		k.do("", "POST", "/signin", 503, "email", email, "password", typed)
		if k.header.Get("Retry-After") == "" || !strings.Contains(k.body, email) {
			t.Errorf("%s: Retry-After %q, the address kept: %v", email, k.header.Get("Retry-After"), strings.Contains(k.body, email))
		}
		if k.trips > 1 {
			t.Errorf("%s: %d round trips", email, k.trips)
		}
	}
	if now := k.allowances(); now != counted {
		t.Errorf("%d counters before, %d after", counted, now)
	}
}

func (k *walker) allowances() (n int) {
	k.t.Helper()
	if err := k.DB.QueryRow(k.t.Context(), `select count(*) from allowance`).Scan(&n); err != nil {
		k.t.Fatal(err)
	}
	return n
}

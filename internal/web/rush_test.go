package web

import (
	"net/http"
	"net/http/httptest"
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

// Strangers are given one page with their own address in it; a query alone makes it a page
// of one's own, which is to be the same.
func TestTheRefusalOfStrangersIsThePageOfEachAlone(t *testing.T) {
	k := walk(t, storetest.Open(t, storetest.SQLite(t)))
	k.portal.Pool.Close()
	for _, door := range []string{"/signin", "/operator/signin"} {
		for _, email := range []string{"hanako@aozora.example", "taro+abe@aozora.example", "o'neill@aozora.example"} {
			k.do("", "POST", door+"?x=1", 503, "email", email, "password", typed)
			alone := strings.ReplaceAll(k.body, "&x=1", "")
			k.do("", "POST", door, 503, "email", email, "password", typed)
			if k.body != alone || !strings.Contains(k.body, `value="`+email+`"`) {
				t.Errorf("%s, %s:\n%s\n\nand alone:\n%s", door, email, k.body, alone)
			}
		}
	}
}

func (k *walker) allowances() (n int) {
	k.t.Helper()
	if err := k.DB.QueryRow(k.t.Context(), `select count(*) from allowance`).Scan(&n); err != nil {
		k.t.Fatal(err)
	}
	return n
}

// BenchmarkAtTheDoor is what the portal's own process pays for the page of the sign-in, and
// to refuse whoever cannot be served.
func BenchmarkAtTheDoor(b *testing.B) {
	p := portal(b, storetest.Open(b, storetest.SQLite(b)), false)
	p.Pool.Close()
	handler := p.Handler()
	for _, c := range []struct {
		name, method string
		status       int
	}{{"page", http.MethodGet, 200}, {"refusal", http.MethodPost, 503}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				r := httptest.NewRequest(c.method, "/signin", strings.NewReader("email=taro.abe%40aozora.example&password=copper+lantern"))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Header.Set("Accept-Language", "ja,en;q=0.8")
				w := httptest.NewRecorder()
				if handler.ServeHTTP(w, r); w.Code != c.status {
					b.Fatal(w.Code)
				}
			}
		})
	}
}

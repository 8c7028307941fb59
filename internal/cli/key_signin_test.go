package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/mail"
	"nidan/internal/secret"
	"nidan/internal/totp"
)

// mailbox takes codes that are mailed.
type mailbox struct {
	mu    sync.Mutex
	codes map[string]chan string
}

var mailedCode = regexp.MustCompile(`(?m)^\s*(\d{4} \d{4})\s*$`)

// Send keeps the code of a mail.
func (m *mailbox) Send(_ context.Context, letter mail.Message) error {
	if found := mailedCode.FindStringSubmatch(letter.Text); found != nil {
		m.of(letter.To) <- found[1]
	}
	return nil
}

func (m *mailbox) of(address string) chan string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.codes[address] == nil {
		m.codes[address] = make(chan string, 100)
	}
	return m.codes[address]
}

// visit is one sign-in: the password at one node, the code at another.
type visit struct {
	email  string
	client *http.Client
}

func newVisit(i int) *visit {
	jar, _ := cookiejar.New(nil) // never fails without options
	return &visit{fmt.Sprintf("p%d@aozora.example", i),
		&http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (v *visit) post(n serving, path string, fields ...string) error {
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	answer, err := v.client.PostForm(n.server.URL+path, form)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusSeeOther {
		return fmt.Errorf("%s, %s: %d\n%.2000s", v.email, path, answer.StatusCode, body)
	}
	return nil
}

func (v *visit) password(n serving) error {
	return v.post(n, "/signin", "email", v.email, "password", keyedPassword)
}

// code types a code, and is signed in.
func (v *visit) code(n serving, code string) error {
	if err := v.post(n, "/signin/code", "code", code); err != nil {
		return err
	}
	answer, err := v.client.Get(n.server.URL + "/profile")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not signed in: %d", v.email, answer.StatusCode)
	}
	return nil
}

func (v *visit) mailed(k *keyed) (string, error) {
	select {
	case code := <-k.mailbox.of(v.email):
		return code, nil
	case <-time.After(20 * time.Second):
		return "", errors.New("no code was mailed to " + v.email)
	}
}

func TestPeopleSignInOnBothNodesWhileKeysAreChanged(t *testing.T) {
	engines(t, func(t *testing.T, database string) {
		const apps, mailed, rounds, most = 9, 5, 3, 25
		k := newKeyed(t, database)
		second := filepath.Join(t.TempDir(), "nidan.key")
		old := second + ".old"
		k.copies(second, k.file)
		k.copies(old, k.file)
		at := time.Now().Truncate(time.Second)
		nodes := []serving{k.node("one", k.file, at), k.node("two", second, at)}
		key := k.people(nodes[0], apps+1, mailed+1) // the first with an app and the last come after the change
		k.pad(nodes[0], 600)
		pending := newVisit(apps + mailed + 1)
		k.must(pending.password(nodes[0]))
		waiting, err := pending.mailed(k)
		k.must(err)

		k.must(k.run(keyAddCommand{}, k.file))
		k.copies(second, k.file)
		var all sync.WaitGroup
		var signed atomic.Int64
		var over atomic.Bool
		begun := make(chan struct{})
		var once sync.Once
		for i := 1; i < 1+apps+mailed; i++ {
			who := i // with an app, or by mail
			all.Go(func() {
				// An app's code is good for three half minutes; by mail people come until all is done.
				for round := 0; round < rounds || who > apps && !over.Load() && round < most; round++ {
					v := newVisit(who)
					here, there := nodes[(who+round)%2], nodes[(who+round+1)%2]
					err := v.password(here)
					code := totp.Code(key, totp.Step(at)-1+int64(round))
					if err == nil && who > apps {
						code, err = v.mailed(k)
					}
					if err == nil {
						err = v.code(there, code)
					}
					if err != nil {
						t.Error(err)
					}
					if signed.Add(1) == apps {
						once.Do(func() { close(begun) })
					}
				}
			})
		}
		<-begun
		k.said(nodes[0].db, 2)
		done := make(chan error, 2)
		for i := range 2 { // at once, on both machines
			go func() { done <- k.rotate([]string{k.file, second}[i]) }()
		}
		err = errors.Join(<-done, <-done)
		during := signed.Load()
		over.Store(true)
		all.Wait()
		k.must(err)
		k.must(k.run(keyRotateCommand{}, k.file))
		if got := sealedWith(t, nodes[0].db); strings.Contains(got, "1:") || !strings.Contains(got, "2:") {
			t.Errorf("sealed with %s", got)
		}
		if during <= apps {
			t.Error("nobody signed in while the keys were changed")
		}
		k.must(pending.code(nodes[1], waiting)) // mailed under the key before

		k.must(k.run(keyRetireCommand{Key: 1, AtOnce: true}, k.file))
		k.must(k.run(keyRetireCommand{Key: 1}, second))
		for _, n := range nodes {
			k.must(n.keys.Again())
		}
		last := newVisit(0)
		k.must(last.password(nodes[0]))
		k.must(last.code(nodes[1], totp.Code(key, totp.Step(at))))
		last = newVisit(apps + mailed + 1)
		k.must(last.password(nodes[1]))
		code, err := last.mailed(k)
		k.must(err)
		k.must(last.code(nodes[0], code))

		// Whoever has the old file opens nothing.
		stolen, err := secret.ReadKeys(old)
		k.must(err)
		rows, err := nodes[0].db.Query(t.Context(), `select organization_id, holder_id from totp where organization_id <> 'pad'`)
		k.must(err)
		defer rows.Close()
		n := 0
		for ; rows.Next(); n++ {
			var ref account.Ref
			k.must(rows.Scan(&ref.Organization, &ref.ID))
			if _, err := totp.Find(t.Context(), nodes[0].db, stolen, ref); !errors.Is(err, secret.ErrKey) {
				t.Errorf("the old file opens a secret: %v", err)
			}
		}
		if n != apps+1 {
			t.Errorf("%d secrets were tried", n)
		}
	})
}

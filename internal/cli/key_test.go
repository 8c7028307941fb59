package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/clock"
	"nidan/internal/config"
	"nidan/internal/mail"
	"nidan/internal/mailotp"
	"nidan/internal/organization"
	"nidan/internal/password"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/testpostgres"
	"nidan/internal/totp"
	"nidan/internal/web"
)

// engines are empty databases.
func engines(t *testing.T, test func(t *testing.T, database string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "nidan.db")) })
	t.Run("postgresql", func(t *testing.T) { test(t, testpostgres.Database(t)) })
}

// keyed is a portal whose keys are changed, with one node or several.
type keyed struct {
	t        *testing.T
	database string
	file     string // the first node's key file
	mailbox  mailbox
}

func newKeyed(t *testing.T, database string) *keyed {
	t.Helper()
	k := &keyed{t: t, database: database, file: filepath.Join(t.TempDir(), "nidan.key"), mailbox: mailbox{codes: map[string]chan string{}}}
	p, err := connect(t.Context(), k.config(k.file))
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if err := p.prepare(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *keyed) environ(file string) []string {
	return []string{"NIDAN_DATABASE=" + k.database, "NIDAN_KEY_FILE=" + file, "NIDAN_MAIL_FROM=portal@example.com", "NIDAN_LOG=error"}
}

func (k *keyed) config(file string) config.Config {
	k.t.Helper()
	cfg, err := config.Load("", k.environ(file))
	if err != nil {
		k.t.Fatal(err)
	}
	return cfg
}

// run runs a command as on a machine with one of the key files.
func (k *keyed) run(cmd interface {
	Run(ctx context.Context, c *Console) error
}, file string) error {
	return cmd.Run(k.t.Context(), &Console{Out: io.Discard, Err: io.Discard, Environ: k.environ(file), User: "tester", Width: 80})
}

func (k *keyed) must(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

// copies puts a copy of one key file in another's place, whole at every moment.
func (k *keyed) copies(to, from string) {
	k.t.Helper()
	content, err := os.ReadFile(from)
	k.must(err)
	k.must(os.WriteFile(to+".new", content, 0o600))
	k.must(os.Rename(to+".new", to))
}

// serving is one node of it.
type serving struct {
	db     *store.DB
	keys   *secret.Keys
	server *httptest.Server
}

// node begins to serve, with a clock that stands: a code is right for as long as it takes.
func (k *keyed) node(name, file string, at time.Time) serving {
	k.t.Helper()
	clk := clock.At(at)
	db, err := store.Open(k.t.Context(), k.database, clk.Now)
	k.must(err)
	p := &portal{Config: k.config(file), db: db, clk: clk}
	_, err = p.admit(k.t.Context())
	k.must(err)
	_, err = clock.Start(k.t.Context(), db, clk, name)
	k.must(err)
	built, err := web.New(web.Needs{Config: p.Config, DB: db, Keys: p.keys, Clock: clk, Log: quiet, Sender: &k.mailbox, Node: name,
		HashCost: password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}})
	k.must(err)
	k.must(built.FollowKeys(k.t.Context()))
	ctx, stop := context.WithCancel(context.WithoutCancel(k.t.Context()))
	var beside sync.WaitGroup
	beside.Go(func() { built.Post.Run(ctx) })
	beside.Go(func() { // as Background does, but sooner
		for ctx.Err() == nil {
			_ = built.FollowKeys(ctx)
			time.Sleep(20 * time.Millisecond)
		}
	})
	n := serving{db, p.keys, httptest.NewServer(built.Handler())}
	k.t.Cleanup(func() {
		n.server.Close()
		stop()
		beside.Wait()
		built.Pool.Close()
		_ = db.Close()
	})
	return n
}

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

const keyedPassword = "lantern over harbor"

// people adds so many with an app and so many with MailOTP, and answers their secret.
func (k *keyed) people(n serving, apps, mailed int) []byte {
	k.t.Helper()
	key := totp.NewSecret()
	hash := password.NewPool(password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}, 1, 1<<20)
	defer hash.Close()
	hashed, err := hash.Hash(k.t.Context(), keyedPassword)
	k.must(err)
	k.must(n.db.Write(k.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		o, err := organization.Add(ctx, tx, "Aozora")
		if err != nil {
			return err
		}
		for i := range apps + mailed {
			a, err := account.Add(ctx, tx, n.keys, account.Account{Ref: account.Ref{Organization: o.ID}, Email: fmt.Sprintf("p%d@aozora.example", i),
				Name: "x", Phone: "0312345678", Authority: account.PortalAdmin, Language: "en", Zone: "UTC"}, "test")
			if err == nil {
				err = password.Set(ctx, tx, a.Ref, hashed, password.Changed)
			}
			if err == nil && i < apps {
				err = totp.Enroll(ctx, tx, n.keys, a.Ref, key, 0, 0)
			}
			if err == nil && i >= apps {
				if err = account.Assign(ctx, tx, a.Ref, account.MailOTP, "test"); err == nil {
					_, err = mailotp.Enroll(ctx, tx, a.Ref)
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	}))
	return key
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

// sealedWith counts all sealed values by their key.
func sealedWith(t *testing.T, db *store.DB) string {
	t.Helper()
	all := map[byte]int64{}
	for _, c := range web.Sealed() {
		counts, err := c.Sealed(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		for id, n := range counts {
			all[id] += n
		}
	}
	return fmt.Sprint(all)
}

// pad adds rows, so that sealing anew takes its time.
func (k *keyed) pad(n serving, rows int) {
	k.t.Helper()
	k.must(n.db.Write(k.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for i := range rows {
			id := fmt.Sprintf("pad%05d", i)
			_, err := tx.Exec(ctx, `insert into totp (organization_id, holder_id, secret, enrolled_at, last_step, epoch) values ('pad', $1, $2, 1, 0, 0)`,
				id, n.keys.Seal(secret.ForTOTP, "totp/pad/"+id, []byte(id)))
			if err != nil {
				return err
			}
		}
		return nil
	}))
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
		done := make(chan error, 2)
		for i := range 2 { // at once, on both machines
			go func() { done <- k.rotate([]string{k.file, second}[i]) }()
		}
		k.must(errors.Join(<-done, <-done))
		during := signed.Load()
		over.Store(true)
		all.Wait()
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

func (k *keyed) rotate(file string) error {
	var said bytes.Buffer
	err := keyRotateCommand{}.Run(k.t.Context(), &Console{Out: &said, Err: io.Discard, Environ: k.environ(file), User: "tester", Width: 80})
	if err != nil {
		return fmt.Errorf("rotate with %s: %w\n%s", file, err, said.String())
	}
	return nil
}

// A real process is killed while the row in the middle holds it up, so it is half-way
// for certain; then two finish what it began.
func TestAChangeOfKeysThatIsKilledHalfWayGoesOn(t *testing.T) {
	engines(t, func(t *testing.T, database string) {
		const rows = 450
		k := newKeyed(t, database)
		n := k.node("one", k.file, time.Now())
		k.pad(n, rows)
		k.must(k.run(keyAddCommand{}, k.file))
		free := k.held(n.db, "pad00250")
		cmd := exec.Command("nidan", "key", "rotate")
		cmd.Env = append(os.Environ(), k.environ(k.file)...)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		k.must(cmd.Start())
		counts := func() (one, two int) {
			k.must(n.db.QueryRow(t.Context(), `select count(case when substr(secret, 1, 1) = $1 then 1 end), count(case when substr(secret, 1, 1) = $2 then 1 end) from totp`,
				[]byte{1}, []byte{2}).Scan(&one, &two))
			return one, two
		}
		for two := 0; two < 200; _, two = counts() {
			if cmd.ProcessState != nil {
				t.Fatal("it ended")
			}
			time.Sleep(5 * time.Millisecond)
		}
		k.must(cmd.Process.Signal(syscall.SIGKILL))
		_ = cmd.Wait()
		free()
		if one, two := counts(); one+two != rows || one < 200 {
			t.Fatalf("%d of key 1, %d of key 2: %s", one, two, said.String())
		}
		done := make(chan error, 2)
		for range 2 {
			go func() { done <- k.rotate(k.file) }()
		}
		k.must(errors.Join(<-done, <-done))
		if one, two := counts(); one != 0 || two != rows {
			t.Errorf("%d of key 1, %d of key 2", one, two)
		}
		for i := range rows {
			id := fmt.Sprintf("pad%05d", i)
			e, err := totp.Find(t.Context(), n.db, n.keys, account.Ref{Organization: "pad", ID: id})
			if err != nil || string(e.Secret) != id {
				t.Errorf("%s: %q, %v", id, e.Secret, err)
			}
		}
	})
}

// held keeps whoever would change one row waiting, until free is called.
func (k *keyed) held(db *store.DB, id string) (free func()) {
	k.t.Helper()
	if db.Engine() == store.SQLite {
		change := func(text string) {
			k.must(db.Write(k.t.Context(), func(ctx context.Context, tx *store.Tx) error { _, err := tx.Exec(ctx, text); return err }))
		}
		change(`create trigger held before update of secret on totp when new.holder_id = '` + id + `' begin
			select count(*) from (with recursive c(x) as (select 1 union all select x + 1 from c limit 1000000000000) select x from c); end`)
		return func() { change(`drop trigger held`) }
	}
	locked, release, over := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		over <- db.Write(k.t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update totp set last_step = last_step where organization_id = 'pad' and holder_id = $1`, id)
			close(locked)
			<-release
			return errors.Join(err, context.Canceled) // nothing was changed
		})
	}()
	<-locked
	return func() { close(release); <-over }
}

func TestOfTwoMachinesThatAddAKeyAtOnceOneHasItAndTheOtherTakesItsLineBack(t *testing.T) {
	engines(t, func(t *testing.T, database string) {
		k := newKeyed(t, database)
		second := filepath.Join(t.TempDir(), "nidan.key")
		k.copies(second, k.file)
		files := []string{k.file, second}
		done := make(chan error, 2)
		for _, file := range files {
			go func() { done <- k.run(keyAddCommand{}, file) }()
		}
		if err1, err2 := <-done, <-done; (err1 == nil) == (err2 == nil) {
			t.Fatalf("%v, %v", err1, err2)
		} else if err := errors.Join(err1, err2); !strings.Contains(err.Error(), "key 2") || !strings.Contains(err.Error(), "copy that key file here") {
			t.Error(err)
		}
		held := map[string]int{}
		for _, file := range files {
			keys, err := secret.ReadKeys(file)
			k.must(err)
			held[fmt.Sprint(keys.Held())]++
		}
		if held["[1]"] != 1 || held["[1 2]"] != 1 {
			t.Errorf("%v", held)
		}
	})
}

func TestAKeyWhoseAddWasKilledBetweenFileAndDatabaseIsMadeKnown(t *testing.T) {
	k := newKeyed(t, filepath.Join(t.TempDir(), "nidan.db"))
	if _, made, err := secret.AddKey(k.file, 1); err != nil || !made {
		t.Fatal(err)
	}
	before, err := os.ReadFile(k.file)
	k.must(err)
	k.must(k.run(keyAddCommand{}, k.file))
	if after, err := os.ReadFile(k.file); err != nil || !bytes.Equal(after, before) {
		t.Errorf("another key was made, %v", err)
	}
	k.must(k.rotate(k.file))
	keys, err := secret.ReadKeys(k.file)
	k.must(err)
	if len(keys.Held()) != 2 {
		t.Errorf("held %v", keys.Held())
	}
}

package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/clock"
	"nidan/internal/config"
	"nidan/internal/keyring"
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

// said waits until every node has said that it holds a key.
func (k *keyed) said(db *store.DB, id byte) {
	k.t.Helper()
	for {
		nodes, err := keyring.Nodes(k.t.Context(), db)
		k.must(err)
		if len(keyring.Lacking(nodes, id, nil)) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
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

func (k *keyed) rotate(file string) error {
	var said bytes.Buffer
	err := keyRotateCommand{}.Run(k.t.Context(), &Console{Out: &said, Err: io.Discard, Environ: k.environ(file), User: "tester", Width: 80})
	if err != nil {
		return fmt.Errorf("rotate with %s: %w\n%s", file, err, said.String())
	}
	return nil
}

// What a request has sealed before its node went over comes to the database after the key was changed: the key that
// opens it is not retired.
func TestAKeyIsNotRetiredWhileSomethingItSealedIsOnItsWay(t *testing.T) {
	engines(t, func(t *testing.T, database string) {
		k := newKeyed(t, database)
		db, err := store.Open(t.Context(), database, time.Now)
		k.must(err)
		t.Cleanup(func() { _ = db.Close() })
		before, err := secret.ReadKeys(k.file)
		k.must(err)
		late := before.Seal(secret.ForTOTP, "totp/pad/late", []byte("late"))
		k.must(k.run(keyAddCommand{}, k.file))
		k.must(k.rotate(k.file))
		settling = 4 * time.Second
		defer func() { settling = time.Second }()
		retired := make(chan error, 1)
		go func() { retired <- k.run(keyRetireCommand{Key: 1, AtOnce: true}, k.file) }()
		time.Sleep(500 * time.Millisecond)
		k.must(db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `insert into totp (organization_id, holder_id, secret, enrolled_at, last_step, epoch) values ('pad', 'late', $1, 1, 0, 0)`, late)
			return err
		}))
		if err := <-retired; err == nil || !strings.Contains(err.Error(), "it still seals values of totp.secret: 1") {
			t.Errorf("retired: %v", err)
		}
		k.must(k.rotate(k.file))
		k.must(k.run(keyRetireCommand{Key: 1, AtOnce: true}, k.file))
		if got := sealedWith(t, db); strings.Contains(got, "1:") {
			t.Errorf("sealed with %s", got)
		}
	})
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
		k.said(n.db, 2)
		free := k.held(n.db, "pad00250")
		cmd := exec.Command("nidan", "key", "rotate")
		cmd.Env = append(os.Environ(), k.environ(k.file)...)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		k.must(cmd.Start())
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		counts := func() (one, two int) {
			k.must(n.db.QueryRow(t.Context(), `select count(case when substr(secret, 1, 1) = $1 then 1 end), count(case when substr(secret, 1, 1) = $2 then 1 end) from totp`,
				[]byte{1}, []byte{2}).Scan(&one, &two))
			return one, two
		}
		for two := 0; two < 200; _, two = counts() {
			select {
			case <-ended:
				t.Fatal("it ended: " + said.String())
			case <-time.After(5 * time.Millisecond):
			}
		}
		k.must(cmd.Process.Signal(syscall.SIGKILL))
		<-ended
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

package store_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// silent takes connections and says nothing, as a machine that hangs.
func silent(t *testing.T) (address string, taken *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	taken = &atomic.Int64{}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			taken.Add(1)
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	return listener.Addr().String(), taken
}

// Otherwise every new connection would wait for the first host to say nothing.
func TestOfSeveralHostsTheOneThatAnsweredLastIsAskedFirst(t *testing.T) {
	dead, asked := silent(t)
	source, err := url.Parse(storetest.PostgreSQL(t))
	if err != nil {
		t.Fatal(err)
	}
	several := strings.Replace(source.String(), source.Host, dead+","+source.Host, 1) + "&connect_timeout=1"
	db, err := store.Open(t.Context(), several, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if !strings.Contains(db.Name(), dead+","+source.Host) {
		t.Errorf("%s", db.Name())
	}
	first := asked.Load()
	var all sync.WaitGroup
	for range 8 { // on connections of their own, or some of them
		all.Go(func() {
			if err := db.QueryRow(t.Context(), `select 1 from pg_sleep(0.05)`).Scan(new(int)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if first != 1 || asked.Load() != first {
		t.Errorf("the dead host was asked %d times, and %d times once the other had answered", first, asked.Load()-first)
	}
}

func TestADatabaseThatOnlyReadsIsNotTaken(t *testing.T) {
	address := storetest.PostgreSQL(t) + "&default_transaction_read_only=on"
	db, err := store.Open(t.Context(), address, time.Now)
	if err == nil {
		_ = db.Close()
		t.Error("it was taken")
	}
}

// A pooler, a standby that is away, a server that was stopped: whoever waits is told, and
// a commit that was sent is neither called done nor refused.
func TestWhoAsksWithinATimeIsToldWhenItIsOver(t *testing.T) {
	w := storetest.Open(t, storetest.PostgreSQL(t))
	tally(t, w)
	ctx := store.Within(t.Context(), 50*time.Millisecond)
	if err := w.DB.QueryRow(ctx, `select n from tally, pg_sleep(60) where name = 'a'`).Scan(new(int)); !errors.Is(err, store.ErrAway) {
		t.Errorf("a reading: %v", err)
	}
	err := w.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `select pg_sleep(60)`)
		return err
	})
	if !errors.Is(err, store.ErrAway) || errors.Is(err, store.ErrUnsure) {
		t.Errorf("a transaction: %v", err)
	}
	rows, err := w.DB.Query(store.Within(t.Context(), 2*time.Second), `select name from tally`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		n++
	}
	if rows.Err() != nil || n != 2 {
		t.Errorf("%d rows, %v", n, rows.Err())
	}
}

// Of a server that went away each connection of the pool is dead, and nobody is told so
// twenty-four times.
func TestConnectionsThatBrokeAreReplacedUnseen(t *testing.T) {
	w := storetest.Open(t, storetest.PostgreSQL(t))
	tally(t, w)
	at := func(do func() error) { // on ten connections
		t.Helper()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if err := do(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	reading := func() error { return w.DB.QueryRow(t.Context(), `select 1 from pg_sleep(0.1)`).Scan(new(int)) }
	var n atomic.Int64
	for name, do := range map[string]func() error{
		"readings": reading,
		"transactions": func() error {
			return w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				n.Add(1)
				return tx.QueryRow(ctx, `select 1 from pg_sleep(0.1)`).Scan(new(int))
			})
		},
	} {
		at(reading)
		var ended int
		err := w.DB.QueryRow(t.Context(), `select count(pg_terminate_backend(pid)) from pg_stat_activity
			where datname = current_database() and pid <> pg_backend_pid()`).Scan(&ended)
		if err != nil || ended < 9 {
			t.Errorf("%s: %d connections were ended, %v", name, ended, err)
		}
		at(do)
	}
	failing := 0
	err := w.DB.Write(t.Context(), func(context.Context, *store.Tx) error {
		failing++
		return store.ErrAway // of something else
	})
	if failing != 1 || !errors.Is(err, store.ErrAway) {
		t.Errorf("what fails by itself was done %d times: %v", failing, err)
	}
	// What breaks before the server has begun anything is done anew, once for each dead
	// connection that it met.
	if n.Load() < 10 || n.Load() > 20 {
		t.Errorf("ten transactions were begun %d times", n.Load())
	}
}

package backup

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nidan/internal/clock"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// What the process that is killed is told.
const (
	killedPlace = "NIDAN_TEST_RESTORE_INTO"
	killedFile  = "NIDAN_TEST_RESTORE_FROM"
)

// restoreToBeKilled is that process: it says when it is in the middle, and waits there.
func restoreToBeKilled() int {
	keys, err := secret.NewKeys([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		return 1
	}
	file, err := os.Open(os.Getenv(killedFile))
	if err != nil {
		return 1
	}
	opened, err := Open(file, keys, nil)
	if err != nil {
		return 1
	}
	clk := clock.At(storetest.Start)
	db, err := store.Open(context.Background(), os.Getenv(killedPlace), clk.Now)
	if err != nil {
		return 1
	}
	tellEvery = 1000
	_, err = opened.Restore(context.Background(), Target{DB: db, Clock: clk, House: time.UTC, By: console, Place: "portal.nidan",
		Keys: func(context.Context) (*secret.Keys, error) { return keys, nil },
		Write: func(n, _ int64) {
			if n == 6000 {
				fmt.Println("in the middle")
				select {}
			}
		}})
	fmt.Println("ended", err)
	return 1
}

func TestARestoreThatIsKilledServesNobodyAndMayBeDoneAgain(t *testing.T) {
	s := stage(t, storetest.Open(t, storetest.SQLite(t)))
	s.person()
	s.in(func(ctx context.Context, tx *store.Tx) error {
		var args []any
		for i := range 9000 {
			args = append(args, fmt.Sprint("act ", i), int64(i))
		}
		return tx.InsertMany(ctx, `insert into allowance (name, full_at) values `, 2, args)
	})
	file := filepath.Join(t.TempDir(), "portal.nidan")
	if err := os.WriteFile(file, s.take(), 0o600); err != nil {
		t.Fatal(err)
	}
	for engine, place := range engines {
		t.Run(engine, func(t *testing.T) {
			place := place(t)
			victim := exec.Command(os.Args[0])
			victim.Env = append(os.Environ(), killedPlace+"="+place, killedFile+"="+file)
			out, err := victim.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := victim.Start(); err != nil {
				t.Fatal(err)
			}
			said, _ := bufio.NewReader(out).ReadString('\n')
			_ = victim.Process.Kill()
			_ = victim.Wait()
			if !strings.HasPrefix(said, "in the middle") {
				t.Fatalf("it said %q", said)
			}
			s.t = t
			to := s.open(place)
			if n := to.count("allowance"); n == 0 || n >= 9000 {
				t.Fatalf("%d rows were written: it was not in the middle", n)
			}
			if err := to.hold().Err(); err == nil || !strings.Contains(err.Error(), "nidan restore") {
				t.Errorf("held: %v", err)
			}
			if _, err := clock.Start(t.Context(), to.DB, to.Clock, "a node"); err == nil {
				t.Error("a node started on it")
			}
			err = to.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return store.MarkPortal(ctx, tx, check(s.Keys), false) })
			if err == nil {
				t.Error("it was set up as a new portal")
			}
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			to.restored(content)
			if n := to.count("allowance"); n != 9000 {
				t.Errorf("%d rows", n)
			}
			if _, err := clock.Start(t.Context(), to.DB, to.Clock, "a node"); err != nil {
				t.Error(err)
			}
		})
	}
}

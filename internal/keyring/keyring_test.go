package keyring

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"nidan/internal/clock"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// inFile are the keys of a file, each with what knows it again.
type inFile map[byte]string

func TestWhichKeyFileFits(t *testing.T) {
	at := time.Unix(1, 0)
	state := State{Seals: 2, Lines: []Line{
		{ID: 1, Check: []byte("a"), Active: at, Retired: at}, {ID: 2, Check: []byte("b"), Active: at},
		{ID: 3, Check: []byte("c"), Active: at}, {ID: 4, Check: []byte("d")}, {ID: 5, Check: []byte("e"), Retired: at},
	}}
	for _, c := range []struct {
		what string
		file inFile
		want string
	}{
		{"all that ever sealed", inFile{2: "b", 3: "c"}, ""},
		{"with one that waits", inFile{2: "b", 3: "c", 4: "d"}, ""},
		{"with retired ones", inFile{1: "a", 2: "b", 3: "c", 5: "e"}, ""},
		{"with another under a retired number", inFile{1: "x", 2: "b", 3: "c"}, ""},
		{"with one that nobody knows", inFile{2: "b", 3: "c", 9: "x"}, ""},
		{"without the one that seals", inFile{3: "c"}, "a key is missing: 2"},
		{"without one that has sealed", inFile{2: "b", 4: "d"}, "a key is missing: 3"},
		{"with the first alone", inFile{1: "a"}, "a key is missing: 2, 3"},
		{"with nothing", inFile{}, "a key is missing: 2, 3"},
		{"with another under the number that seals", inFile{2: "x", 3: "c"}, "another key: 2"},
		{"with another under the number of one that waits", inFile{2: "b", 3: "c", 4: "x"}, "another key: 4"},
		{"wrong and missing", inFile{2: "x"}, "another key: 2"},
	} {
		got, held := "", map[byte][]byte{}
		for id, check := range c.file {
			held[id] = []byte(check)
		}
		if err := state.Fits(held); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
	if state.Newest() != 4 || state.Highest() != 5 || string(state.Retired()) != "\x01\x05" {
		t.Errorf("newest %d, highest %d, retired %v", state.Newest(), state.Highest(), state.Retired())
	}
}

func TestWhenAKeyMayBeRetired(t *testing.T) {
	since := time.Unix(1_000_000, 0)
	state := State{Seals: 2, Since: since, Lines: []Line{{ID: 1, Active: since}, {ID: 2, Active: since}, {ID: 3}}}
	for _, c := range []struct {
		id     byte
		after  time.Duration
		atOnce bool
		want   error
	}{
		{1, Rest, false, nil}, {1, Rest - 1, false, ErrEarly}, {1, 0, true, nil},
		{2, 10 * Rest, true, ErrSeals}, {3, 0, false, nil}, {4, Rest, true, ErrUnknown}, {0, Rest, true, ErrUnknown},
	} {
		if _, err := state.Retirable(c.id, since.Add(c.after), c.atOnce); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestANodeIsTakenAtItsWordSinceItsStartAlone(t *testing.T) {
	nodes := []Node{{Name: "new", Said: true, Holds: []byte{1, 2}, Seals: 2}, {Name: "old", Said: true, Holds: []byte{1}, Seals: 1},
		{Name: "slow", Said: true, Holds: []byte{1, 2}, Seals: 1}, {Name: "mute", Holds: []byte{1, 2}, Seals: 2}}
	names := func(list []Node) (names string) {
		for _, n := range list {
			names += n.Name + " "
		}
		return names
	}
	if got := names(Lacking(nodes, 2, nil)); got != "old mute " {
		t.Error(got)
	}
	if got := names(Behind(nodes, 2, []string{"mute"})); got != "old slow " {
		t.Error(got)
	}
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		marked(t, w)
		said := func(name string) string {
			t.Helper()
			list, err := Nodes(t.Context(), w.DB)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range list {
				if n.Name == name {
					return fmt.Sprint(n.Said, n.Holds, n.Seals)
				}
			}
			return "does not run"
		}
		step := func(do func() error, want string) {
			t.Helper()
			if err := do(); err != nil {
				t.Fatal(err)
			}
			if got := said("one"); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		start := func() error { _, err := clock.Start(t.Context(), w.DB, w.Clock, "one"); return err }
		follow := func() error { _, err := Follow(t.Context(), w.DB, w.Keys, "one"); return err }
		step(func() error { return nil }, "does not run")
		step(start, "false [] 0")
		step(follow, "true [1] 1")
		w.Keys = storetest.TwoKeys(t)
		step(follow, "true [1 2] 1")
		w.Clock.Set(w.Clock.Now().Add(time.Minute))
		step(start, "false [] 0") // it may have another file by now
		step(follow, "true [1 2] 1")
		step(func() error { return clock.Stop(t.Context(), w.DB, "one") }, "does not run")
	})
}

func marked(t *testing.T, w storetest.World) {
	t.Helper()
	write(t, w, func(ctx context.Context, tx *store.Tx) error {
		return store.MarkPortal(ctx, tx, w.Keys.Digest(secret.ForKey, "portal"), false)
	})
}

func write(t *testing.T, w storetest.World, do func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	if err := w.DB.Write(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

func TestAPortalWithoutARowHasItsFirstKeyAndOfTwoWhoChangeItOneDoes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		marked(t, w)
		two := storetest.TwoKeys(t)
		state, err := Follow(t.Context(), w.DB, two, "")
		if err != nil || state.Seals != 1 || len(state.Lines) != 1 || two.Seals() != 1 {
			t.Fatalf("%+v, %v", state, err)
		}
		write(t, w, func(ctx context.Context, tx *store.Tx) error { return Add(ctx, tx, state, 2, two.Check(2), "test") })
		err = w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return Add(ctx, tx, state, 2, []byte("other"), "test") })
		if !errors.Is(err, store.ErrTaken) {
			t.Errorf("a second key 2: %v", err)
		}
		digests, err := two.SealDigests(2)
		if err != nil {
			t.Fatal(err)
		}
		write(t, w, func(ctx context.Context, tx *store.Tx) error { return Activate(ctx, tx, 1, 2, digests, "test") })
		err = w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return Activate(ctx, tx, 1, 2, digests, "test") })
		if !errors.Is(err, store.ErrTaken) {
			t.Errorf("once more: %v", err)
		}
		if _, err := Follow(t.Context(), w.DB, two, ""); err != nil || two.Seals() != 2 {
			t.Errorf("seals with %d, %v", two.Seals(), err)
		}
		// Who lacks the key that seals is told which, and goes on opening what it can.
		sealed := w.Keys.Seal(secret.ForTOTP, "row", []byte("x"))
		var fault *Fault
		if _, err := Follow(t.Context(), w.DB, w.Keys, ""); !errors.As(err, &fault) || !errors.Is(err, ErrMissing) || string(fault.Keys) != "\x02" {
			t.Errorf("%v", err)
		}
		if _, err := w.Keys.Open(secret.ForTOTP, "row", sealed); err != nil {
			t.Error(err)
		}
		for _, c := range []struct {
			id   byte
			want bool
		}{{2, false}, {1, true}, {1, false}, {7, false}} {
			write(t, w, func(ctx context.Context, tx *store.Tx) error {
				done, err := Retire(ctx, tx, c.id, "test")
				if done != c.want {
					t.Errorf("key %d retired: %v", c.id, done)
				}
				return err
			})
		}
		if _, err := Follow(t.Context(), w.DB, two, ""); err != nil {
			t.Error(err)
		}
		if _, err := two.Open(secret.ForTOTP, "row", sealed); !errors.Is(err, secret.ErrKey) {
			t.Errorf("a retired key opens: %v", err)
		}
	})
}

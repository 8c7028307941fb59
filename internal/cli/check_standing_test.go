package cli

import (
	"strings"
	"testing"

	"nidan/internal/store"
	"nidan/internal/store/testpostgres"
)

func TestWhatTheCheckSaysOfReplication(t *testing.T) {
	sound := store.Standing{Fsync: true, Commit: "on"}
	for name, c := range map[string]struct {
		change func(*store.Standing)
		says   string
		fails  bool
	}{
		"one server":                      {func(*store.Standing) {}, "no standby: ", false},
		"a disk that is not waited for":   {func(s *store.Standing) { s.Fsync = false }, "fsync is off", true},
		"commits that are not waited for": {func(s *store.Standing) { s.Commit = "off" }, "synchronous_commit is off", true},
		"a standby that follows":          {func(s *store.Standing) { s.Followers, s.Seen = 1, 1 }, "warning: 1 standby(s) follow", false},
		"one that is waited for":          {func(s *store.Standing) { s.Named, s.Followers, s.Seen, s.Waited = true, 2, 2, 1 }, "1 of 2 standbys have", false},
		"one that applies, too": {func(s *store.Standing) {
			s.Named, s.Followers, s.Seen, s.Waited, s.Commit = true, 1, 1, 1, "remote_apply"
		}, "1 of 1 standbys have", false},
		"named, and away":             {func(s *store.Standing) { s.Named = true }, "none of them is attached", true},
		"named, and another is there": {func(s *store.Standing) { s.Named, s.Followers, s.Seen = true, 1, 1 }, "none of them is attached", true},
		"named, and not waited for":   {func(s *store.Standing) { s.Named, s.Followers, s.Seen, s.Waited, s.Commit = true, 1, 1, 1, "local" }, "warning: synchronous_commit is local", false},
		"named, seen by nobody":       {func(s *store.Standing) { s.Named, s.Followers = true, 1 }, "this user may not see", false},
	} {
		s := sound
		c.change(&s)
		text, err := keeps(s)
		if err != nil {
			text = err.Error()
		}
		if !strings.HasPrefix(text, c.says) && !strings.Contains(text, c.says) || (err != nil) != c.fails {
			t.Errorf("%s: %q, fails: %v", name, text, err != nil)
		}
	}
}

// With the rights of an ordinary user, which see that a standby is there and not more.
func TestAPairOfServersIsSeenAsItIs(t *testing.T) {
	pair := testpostgres.NewPair(t, true)
	ordinary := pair.Ordinary(t)
	for who, c := range map[string]struct {
		source string
		want   store.Standing
	}{
		"its superuser":    {pair.URL(), store.Standing{Commit: "on", Named: true, Followers: 1, Seen: 1, Waited: 1}},
		"an ordinary user": {ordinary, store.Standing{Commit: "on", Named: true, Followers: 1}},
	} {
		db, err := store.Open(t.Context(), c.source, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		got, ok, err := db.Standing(t.Context())
		if err != nil || !ok || got != c.want {
			t.Errorf("%s: %+v, %v, %v", who, got, ok, err)
		}
	}
}

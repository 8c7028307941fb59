package demo_test

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"nidan/internal/clock"
	"nidan/internal/demo"
	"nidan/internal/store/storetest"
)

func TestASecondNodeFollowsTheJumps(t *testing.T) {
	s := marked(t, filepath.Join(t.TempDir(), "demo.db"), true)
	other := clock.At(storetest.Start)
	_, err := clock.Start(t.Context(), s.DB, other, "b")
	must(t, err)
	go demo.Follow(t.Context(), s.DB, other, slog.New(slog.DiscardHandler))
	for _, offset := range []time.Duration{40 * 24 * time.Hour, -24 * time.Hour} {
		must(t, clock.SetDemoOffset(t.Context(), s.DB, s.Clock, offset))
		want := storetest.Start.Add(offset)
		for wait := 0; !other.Now().Equal(want); wait++ {
			if wait == 600 {
				t.Fatalf("the other node says %s, want %s", other.Now(), want)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

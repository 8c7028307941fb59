package clock_test

import (
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nidan/internal/clock"
)

var noon = time.Date(2018, 3, 10, 12, 0, 0, 0, time.UTC)

func TestTimeNeverRunsBackWhateverTheMachineSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := clock.At(noon)
		last := c.Now()
		for range rapid.IntRange(1, 20).Draw(t, "turns") {
			jump := time.Duration(rapid.Int64Range(int64(-48*time.Hour), int64(48*time.Hour)).Draw(t, "jump"))
			switch rapid.SampledFrom([]string{"set", "jump", "raise"}).Draw(t, "how") {
			case "set":
				c.Set(noon.Add(jump))
			case "jump":
				c.Jump(jump)
			case "raise":
				c.Raise(noon.Add(jump))
			}
			now := c.Now()
			if now.Before(last) {
				t.Fatalf("%s, and then %s", last, now)
			}
			if now.Before(c.Raw().Truncate(time.Microsecond)) {
				t.Fatalf("%s, and the machine says %s", now, c.Raw())
			}
			last = now
		}
	})
}

func TestAPortalAcceptsAnEarlierTimeOnlyWhenAsked(t *testing.T) {
	c := clock.At(noon)
	c.Raise(noon.Add(time.Hour))
	if now := c.Now(); now != noon.Add(time.Hour) || c.Behind() != time.Hour || c.Machine() != noon {
		t.Errorf("raised: %s, behind %s, the machine %s", now, c.Behind(), c.Machine())
	}
	c.Raise(noon) // what was seen is not unseen
	if now := c.Now(); now != noon.Add(time.Hour) {
		t.Errorf("raised to less: %s", now)
	}
	c.Set(noon.Add(-time.Hour))
	if now := c.Now(); now != noon.Add(time.Hour) || c.Behind() != 2*time.Hour {
		t.Errorf("set back: %s, behind %s", now, c.Behind())
	}
	c.Accept()
	if now := c.Now(); now != noon.Add(-time.Hour) || c.Behind() != 0 || c.Offset() != -time.Hour {
		t.Errorf("accepted: %s, behind %s, offset %s", now, c.Behind(), c.Offset())
	}
	c.Set(noon.Add(3 * time.Hour))
	if now := c.Now(); now != noon.Add(3*time.Hour) || c.Behind() != 0 {
		t.Errorf("set on: %s, behind %s", now, c.Behind())
	}
}

func TestAnInstantIsInUTCAndToTheMicrosecond(t *testing.T) {
	c := clock.At(time.Date(2018, 3, 10, 21, 0, 0, 123456789, time.FixedZone("JST", 9*3600)))
	if now, want := c.Now(), noon.Add(123456*time.Microsecond); now != want {
		t.Errorf("%s, want %s", now, want)
	}
}

func TestTheMachinesClockRunsOn(t *testing.T) {
	c := clock.New()
	before := c.Machine()
	if now := c.Now(); now.Before(before.Truncate(time.Microsecond)) || now.After(c.Machine()) {
		t.Errorf("%s is not the machine's %s", now, before)
	}
	c.Jump(time.Hour)
	if now := c.Now(); now.Sub(before.Truncate(time.Microsecond)) < time.Hour {
		t.Errorf("a demo's hour ahead: %s after %s", now, before)
	}
}

func TestManyWhoAskAtOnceSeeTimeRunForward(t *testing.T) {
	c := clock.At(noon)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			last := c.Now()
			for n := range 500 {
				if i == 0 {
					c.Set(noon.Add(time.Duration(n*7919%500) * time.Second))
				}
				if i == 1 {
					c.Raise(noon.Add(time.Duration(n*104729%500) * time.Second))
				}
				now := c.Now()
				if now.Before(last) {
					t.Errorf("%s, and then %s", last, now)
					return
				}
				last = now
			}
		})
	}
	all.Wait()
}

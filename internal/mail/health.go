package mail

import (
	"errors"
	"sync"
	"time"
)

// health is what this post last saw of the mail server. A letter that it refuses for
// good says nothing against it.
type health struct {
	mu      sync.Mutex
	failing time.Time // since when each try has failed; zero: the latest did not
	latest  error
}

func (h *health) note(failure error, now time.Time) {
	var known *Failure
	if errors.As(failure, &known) && known.Permanent {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.latest = failure
	switch {
	case failure == nil:
		h.failing = time.Time{}
	case h.failing.IsZero():
		h.failing = now
	}
}

// Failing is since when this post has handed over nothing though it tried, and what
// the latest try said; the zero time when the latest letter was taken, or none was tried.
func (p *Post) Failing() (since time.Time, latest error) {
	p.health.mu.Lock()
	defer p.health.mu.Unlock()
	return p.health.failing, p.health.latest
}

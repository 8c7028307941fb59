package demo

import (
	"context"
	"errors"
	"time"

	"nidan/internal/page"
	"nidan/internal/password"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// operatorName is the demo's operator.
const operatorName = "Mika Tachibana"

// Seeding is what a seed works with.
type Seeding struct {
	Database string // as store.Open takes it: migrated, marked as a demo, and never used
	KeyFile  string // told in the facts; the keys themselves are Keys
	Keys     *secret.Keys
	Site     *page.Site
	Pool     *password.Pool
	URL      string // where the demo is reached: in the facts and in mails
}

// Seed fills an empty database with the demo's story, up to now. It opens the
// database itself, with a clock that it moves. One that is not marked as a demo
// (store.MarkPortal) is refused, and so is one that holds anything already.
func Seed(ctx context.Context, s Seeding, now time.Time) (Facts, error) {
	return Facts{}, errors.New("not yet")
}

// Seeded says whether a database holds a whole seed: one that was broken off does not.
func Seeded(ctx context.Context, r store.Reader) (bool, error) {
	return false, errors.New("not yet")
}

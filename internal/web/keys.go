package web

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"nidan/internal/importing"
	"nidan/internal/keyring"
	"nidan/internal/mail"
	"nidan/internal/password"
	"nidan/internal/setup"
	"nidan/internal/store"
	"nidan/internal/totp"
)

// Sealed are all columns that hold sealed values, beside the keyring's own: what a
// change of keys goes through. A test holds them against the schema.
func Sealed() []keyring.Column {
	return []keyring.Column{
		totp.Sealed(),
		setup.Sealed(),
		password.Sealed(),
		password.SealedAside(),
		mail.Sealed(),
		mail.SealedDemo(),
		importing.Sealed(),
	}
}

// keysEvery is how soon a node knows a new key file, and another key that seals.
const keysEvery = 2 * time.Second

// ring is what is wrong with this node's key file, if anything.
type ring struct {
	mu    sync.Mutex
	fault string
}

// FollowKeys reads the key file and what the database says of the keys, and says what
// this node has. A node whose file lacks the key that seals is not ready.
func (p *Portal) FollowKeys(ctx context.Context) error {
	_, err := keyring.Follow(ctx, p.DB, p.Keys, p.Node)
	if err == nil {
		err = p.unheld(ctx)
	}
	var fault *keyring.Fault
	p.ring.mu.Lock()
	defer p.ring.mu.Unlock()
	was := p.ring.fault
	switch {
	case errors.Is(err, store.ErrHeld):
		p.ring.fault = err.Error()
	case errors.As(err, &fault):
		p.ring.fault = "the key file does not fit the database: " + fault.Error()
	case err == nil:
		p.ring.fault = ""
	}
	if was != "" && p.ring.fault == "" {
		p.Log.Info("the key file fits again", slog.String("setting", "NIDAN_KEY_FILE"))
	}
	return err
}

// unheld gives up serving a database that is held: a node that was silent for so long
// that a move took it for stopped writes nothing any more into what nobody will read.
func (p *Portal) unheld(ctx context.Context) error {
	hold, err := store.ReadHold(ctx, p.DB)
	if err == nil {
		err = hold.Err()
	}
	if errors.Is(err, store.ErrHeld) && p.Held != nil {
		p.Held(err)
	}
	return err
}

// unfit is what is wrong with the key file, or nothing.
func (p *Portal) unfit() string {
	p.ring.mu.Lock()
	defer p.ring.mu.Unlock()
	return p.ring.fault
}

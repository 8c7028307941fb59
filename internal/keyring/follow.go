package keyring

import (
	"context"
	"errors"

	"nidan/internal/secret"
	"nidan/internal/store"
)

// Follow reads the key file again, takes over what the database says of its keys, and
// writes what this node has to say; node is empty for a command, which is no node. It
// is called at the start and every few seconds. Reading and saying are one transaction:
// whoever changes the key that seals has either heard this node, or is heard by it.
//
// A file that cannot be read, or lacks a key, is answered as an error after all that
// could be done was done: what this process knows already goes on opening.
func Follow(ctx context.Context, db *store.DB, keys *secret.Keys, node string) (State, error) {
	unread := keys.Again()
	var s State
	var fault error
	err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		mark, err := store.ReadPortal(ctx, tx)
		if err != nil {
			return err
		}
		if s, err = Read(ctx, tx, mark); err != nil {
			return err
		}
		fault = s.Take(keys)
		if node == "" {
			return nil
		}
		return say(ctx, tx, node, keys.Held(), keys.Seals())
	})
	return s, errors.Join(err, unread, fault)
}

// Take has keys be as a state says, if their file fits it.
func (s State) Take(keys *secret.Keys) error {
	held := map[byte][]byte{}
	for _, id := range keys.Held() {
		held[id] = keys.Check(id)
	}
	if err := s.Fits(held); err != nil {
		return err
	}
	return keys.Adopt(s.Seals, s.Digests, s.Retired())
}

package password

import (
	"crypto/rand"
	"crypto/subtle"

	"golang.org/x/crypto/argon2"
)

// deed is what a Task is about.
type deed uint8

const (
	burn    deed = iota // cost what comparing with a hash of our own costs, and compare with nothing
	seal                // hash with a fresh salt
	compare             // compare with what is stored, and hash anew what is right and not as written today
)

// Task is what a permit is held for. It is data alone, so that another process can do it; the zero Task burns.
type Task struct {
	Cost             Cost // of our own hashes
	Deed             deed
	Stored, Password string
}

// Result is what came of a Task; its zero value is "wrong".
type Result struct {
	Right  bool
	Hash   string // to be stored; empty: none was made
	Argons uint64 // runs of Argon2 that it took
}

// do is the one place that derives a key from a password.
func (t Task) do() (o Result) {
	switch t.Deed {
	case seal:
		o.Hash = t.seal(&o)
	case compare:
		t.compare(&o)
	default:
		t.burn(&o)
	}
	return o
}

func (t Task) compare(o *Result) {
	r, err := read(t.Stored)
	if err != nil { // whoever asked has read it
		t.burn(o)
		return
	}
	o.Right = t.right(r, o)
	switch {
	case r.own(t.Cost):
	case o.Right:
		o.Hash = t.seal(o)
	case !r.slow(t.Cost):
		t.burn(o)
	}
}

func (t Task) right(r reading, o *Result) bool {
	if r.argon == nil {
		return r.match(t.Password)
	}
	password := t.Password
	if !r.foreign {
		password = settle(password)
	}
	key := o.derive(password, r.argon.salt, r.argon.cost, len(r.argon.key))
	return subtle.ConstantTimeCompare(key, r.argon.key) == 1
}

func (t Task) seal(o *Result) string {
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the program instead
	return argonHash{
		cost: t.Cost,
		salt: salt,
		key:  o.derive(settle(t.Password), salt, t.Cost, keyLength),
	}.String()
}

func (t Task) burn(o *Result) { o.derive("", make([]byte, saltLength), t.Cost, keyLength) }

// derive is the one call of Argon2 in the portal.
func (o *Result) derive(password string, salt []byte, cost Cost, length int) []byte {
	o.Argons++
	return argon2.IDKey([]byte(password), salt, cost.Passes, cost.MemoryKiB, cost.Lanes, uint32(length))
}

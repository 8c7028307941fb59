package password

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

var (
	// ErrUnreadable says that what is stored for the account is no hash this portal reads, or one with
	// parameters no honest system writes. For the person it is a wrong password; the operator's log should say
	// it, for only a reset helps. It names the format and the reason, never the stored value.
	ErrUnreadable = errors.New("password: stored hash cannot be read")

	// ErrTooLong is answered by Hash to what Check would have refused.
	ErrTooLong = errors.New("password: too long to hash")
)

const (
	saltLength = 16
	keyLength  = 32

	// longestTyped bounds in bytes what is hashed or compared at all: 128 characters, each up to 12 bytes where
	// a keyboard sends it as base and marks. Without it sha-crypt, whose work grows with the password, could be
	// fed by the megabyte.
	longestTyped = 12 * longest
)

// Match is the answer of Verify; its zero value is "wrong".
type Match struct {
	Right  bool
	Rehash string // not empty: store it in place of the old hash
}

// Hash makes what is stored for a new password. The password has passed Check.
func (p *Pool) Hash(ctx context.Context, password string) (string, error) {
	if len(password) > longestTyped {
		return "", ErrTooLong
	}
	o, err := p.do(ctx, p.cost.memory(), Task{Deed: seal, Password: password})
	return o.Hash, err
}

// Verify compares a password with what is stored for the account; stored is empty where there is no account.
// It takes as long for the one as for the other:
//
//	no account, or nothing to compare with    one Argon2, burnt
//	our own hash                              one Argon2
//	fast imported hash (MD5, SHA-1, …)        its own moment, then one Argon2: the rehash, or burnt
//	slow imported hash (bcrypt, …)            its own time; when right, one Argon2 for the rehash
//	Argon2id of another cost                  as fast or slow, by its cost
//
// The slow ones are an accepted flaw: until the first sign-in after the import such an account can be told from
// none by the clock. With ErrUnreadable the Match is wrong; with any other error nothing was compared.
func (p *Pool) Verify(ctx context.Context, stored, password string) (Match, error) {
	if stored == "" || !eligible(password) {
		return Match{}, p.burn(ctx)
	}
	r, unreadable := read(stored)
	if unreadable != nil {
		return Match{}, cmp.Or(p.burn(ctx), unreadable)
	}
	o, err := p.do(ctx, max(r.memory, p.cost.memory()), Task{Deed: compare, Stored: stored, Password: password})
	return Match{Right: o.Right, Rehash: o.Hash}, err
}

// eligible keeps out what must be wrong whatever is stored. Nothing typed: imported tables do hold hashes of
// nothing, and no empty form opens an account. A zero byte: HMAC fills its key up with them and bcrypt puts one
// at the end, so that to PBKDF2, scrypt and bcrypt "secret" and "secret\x00" are the same.
func eligible(password string) bool {
	return password != "" && len(password) <= longestTyped && !strings.Contains(password, "\x00")
}

// burn costs what comparing with a hash of our own costs, and compares with nothing.
func (p *Pool) burn(ctx context.Context) error {
	_, err := p.do(ctx, p.cost.memory(), Task{Deed: burn})
	return err
}

// settle gives the one form of a password that is hashed: RFC 8265 section 4.2.2, every space a plain one
// (an input method in its wide mode types U+3000) and then NFC, so that the same characters typed on another
// system, which sends base and mark apart, stay the same password. Not NFKC, though NIST allows it: it would
// make different passwords equal. Imported hashes were made over whatever bytes the browser sent, so those are
// compared over the bytes as typed, and only the rehash is over this form. A plain $argon2id$ value may be ours
// from before a change of cost, and is always read over this form.
func settle(password string) string {
	spaced := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Zs, r) {
			return ' '
		}
		return r
	}, password)
	return norm.NFC.String(spaced)
}

// Package secret makes what must not be guessed and hides what must be kept:
// random ids, tokens and codes, keyed digests, sealed values.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"math/big"
	"strings"

	"github.com/google/uuid"
)

// ID is a new time-ordered identifier (UUID version 7, RFC 9562 §5.7). It names
// a row; it is never a secret.
func ID() string { return uuid.Must(uuid.NewV7()).String() }

// Token is 256 random bits as 43 characters that stand in links and cookies.
// Only its Digest is ever stored.
func Token() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand.Read ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Digest is what is stored of a token. A plain SHA-256 is enough, since a token
// has 256 bits of its own.
func Digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// Digits is a random code of n decimal digits, each code equally likely.
func Digits(n int) string {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
	code, err := rand.Int(rand.Reader, limit)
	if err != nil {
		panic("secret: the system's randomness failed: " + err.Error())
	}
	digits := code.String()
	return strings.Repeat("0", n-len(digits)) + digits
}

// Base32 is n random characters of RFC 4648's alphabet, for codes handed over in person.
func Base32(n int) string {
	b := make([]byte, (n*5+7)/8)
	_, _ = rand.Read(b)
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)[:n]
}

// Bytes is n random bytes.
func Bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// Equal compares without telling by its time where two values differ.
func Equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// EqualAny is Equal with any of a list, all of which it compares.
func EqualAny(a []byte, list [][]byte) bool {
	found := 0
	for _, b := range list {
		found |= subtle.ConstantTimeCompare(a, b)
	}
	return found == 1
}

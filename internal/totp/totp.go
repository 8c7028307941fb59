package totp

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238's default, and what authenticator apps compute
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"time"

	"nidan/internal/secret"
)

// Numbers of RFC 6238 and security.md.
const (
	Digits     = 6
	Period     = 30 // seconds a step
	SecretSize = 20 // bytes: 160 bits
	window     = 1  // steps accepted to either side of now
	searched   = 20 // steps searched to either side for clock help: 10 minutes
)

// NewSecret is a new random secret of 160 bits.
func NewSecret() []byte { return secret.Bytes(SecretSize) }

// Step is the time step of an instant (RFC 6238 §4.2, T0 = 0).
func Step(t time.Time) int64 { return t.Unix() / Period }

// StepStart is when a step begins.
func StepStart(step int64) time.Time { return time.Unix(step*Period, 0).UTC() }

// HOTP is the code of a counter (RFC 4226 §5.3) with SHA-1.
func HOTP(key []byte, counter int64, digits int) string {
	mac := hmac.New(sha1.New, key)
	var message [8]byte
	binary.BigEndian.PutUint64(message[:], uint64(counter))
	mac.Write(message[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	value := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	limit := uint32(1)
	for range digits {
		limit *= 10
	}
	return fmt.Sprintf("%0*d", digits, value%limit)
}

// Code is the code of a step.
func Code(key []byte, step int64) string { return HOTP(key, step, Digits) }

// Match is what a typed code matched. The zero Match is nothing.
type Match struct {
	Step int64 // the matching step; meaningful with Right or Off
	// Right: the step is within the window.
	Right bool
	// Off is how far the device's clock is ahead (or, negative, behind), when the
	// code is that of a step outside the window but within ten minutes: such a
	// code is refused, with that advice.
	Off time.Duration
}

// Search looks for the step of a code: the newest in the window, else the nearest
// within ten minutes. Every step is compared, in constant time, whatever matched.
func Search(key []byte, code string, now time.Time) Match {
	current := Step(now)
	var found Match
	for distance := int64(searched); distance >= 0; distance-- {
		// The nearest are compared last, so that they win; of equally near, the newer.
		for _, step := range []int64{current - distance, current + distance} {
			if step < 0 || !secret.Equal([]byte(Code(key, step)), []byte(code)) {
				continue
			}
			found = Match{Step: step, Off: time.Duration(step-current) * Period * time.Second}
		}
	}
	if found.Step == 0 {
		return Match{}
	}
	// Of the window the newest counts, even where an older one is as near.
	for step := current - window; step <= current+window; step++ {
		if secret.Equal([]byte(Code(key, step)), []byte(code)) {
			found = Match{Step: step, Right: true}
		}
	}
	return found
}

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Text is a secret as people type it into an app.
func Text(key []byte) string { return encoding.EncodeToString(key) }

// URI is the otpauth link that apps read from the QR (Key URI Format).
func URI(issuer, email string, key []byte) string {
	label := url.PathEscape(issuer + ":" + email)
	query := url.Values{"secret": {Text(key)}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	// Apps read a plus sign in the issuer as a plus sign, not as a blank.
	return "otpauth://totp/" + label + "?" + escapeBlanks(query.Encode())
}

func escapeBlanks(query string) string {
	out := make([]byte, 0, len(query)+8)
	for i := range len(query) {
		if query[i] == '+' {
			out = append(out, "%20"...)
			continue
		}
		out = append(out, query[i])
	}
	return string(out)
}

package secret

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

func TestIDsAreOrderedByTheirTimeAndAllDifferent(t *testing.T) {
	ids := make([]string, 1000)
	for i := range ids {
		ids[i] = ID()
	}
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Error("made one after another, they are not in order or not unique")
	}
	if id := ids[0]; len(id) != 36 || id[14] != '7' {
		t.Errorf("%s is no UUID of version 7", id)
	}
}

func TestATokenHas256BitsThatFitALinkAndACookie(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		token := Token()
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || len(raw) != 32 || len(token) != 43 || seen[token] {
			t.Fatalf("%q: %d bytes, %v", token, len(raw), err)
		}
		seen[token] = true
	}
	sum := sha256.Sum256([]byte("token"))
	if !bytes.Equal(Digest("token"), sum[:]) {
		t.Error("the digest is not SHA-256")
	}
}

// Each digit of each place is as likely as any: of 100,000 codes 10,000 are
// expected. Six standard deviations are 570; a sound source is outside of them at
// one of the 80 counts in some six million runs. The leading place would show a
// missing zero at once.
func TestEachDigitOfACodeIsEquallyLikely(t *testing.T) {
	const codes, places = 100_000, 8
	var counts [places][10]int
	for range codes {
		code := Digits(places)
		if len(code) != places {
			t.Fatalf("%q", code)
		}
		for place := range places {
			counts[place][code[place]-'0']++
		}
	}
	for place := range places {
		for digit, n := range counts[place] {
			if n < codes/10-570 || n > codes/10+570 {
				t.Errorf("digit %d stands at place %d %d times of %d", digit, place, n, codes)
			}
		}
	}
}

func TestCodesHaveTheLengthThatWasAskedFor(t *testing.T) {
	for n := 1; n <= 20; n++ {
		if code := Digits(n); len(code) != n || strings.Trim(code, "0123456789") != "" {
			t.Errorf("%d digits: %q", n, code)
		}
		if code := Base32(n); len(code) != n || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
			t.Errorf("%d characters: %q", n, code)
		}
		if b := Bytes(n); len(b) != n {
			t.Errorf("%d bytes: %d", n, len(b))
		}
	}
}

// The last character of a code cut off in the midst of a byte must not be poorer.
func TestEachPlaceOfAHandedCodeTakesAllThirtyTwoCharacters(t *testing.T) {
	seen := [12]map[byte]bool{}
	for range 2000 {
		for place, c := range []byte(Base32(12)) {
			if seen[place] == nil {
				seen[place] = map[byte]bool{}
			}
			seen[place][c] = true
		}
	}
	for place, characters := range seen {
		if len(characters) != 32 {
			t.Errorf("place %d takes %d characters", place, len(characters))
		}
	}
}

func TestEqualIsOfWholeValues(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"abc", "abc", true}, {"", "", true}, {"abc", "abd", false}, {"abc", "ab", false}, {"ab", "abc", false}, {"", "a", false}} {
		if got := Equal([]byte(c.a), []byte(c.b)); got != c.want {
			t.Errorf("%q and %q: %t", c.a, c.b, got)
		}
	}
}

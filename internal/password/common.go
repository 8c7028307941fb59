package password

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// packed is the list of common passwords, words and names: folded, sorted, one a line. See common.NOTICE.txt for
// where it comes from and commonlist for how it is made. Packed it takes 150 KB, and a search through the repository
// does not find half the dictionary.
//
//go:embed common.txt.gz
var packed []byte

// words unpacks the list when a password is first judged: 400 KB that a portal just started does
// not carry.
var words = sync.OnceValue(func() []byte {
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic("password: embedded list: " + err.Error())
	}
	text, err := io.ReadAll(unpacked)
	if err != nil {
		panic("password: embedded list: " + err.Error())
	}
	return text
})

// listed looks a folded word up, by halving over the lines.
func listed(word string) bool {
	text := words()
	low, high := 0, len(text) // always at the start of a line
	for low < high {
		middle := low + (high-low)/2
		start := low + bytes.LastIndexByte(text[low:middle], '\n') + 1
		end := start + bytes.IndexByte(text[start:], '\n')
		switch c := strings.Compare(string(text[start:end]), word); {
		case c == 0:
			return true
		case c < 0:
			low = end + 1
		default:
			high = start
		}
	}
	return false
}

// common says that the folded text is one known word and next to nothing else. Several words are not looked for:
// a phrase of four common words is a good password.
func common(folded string) bool {
	for _, text := range []string{folded, squeeze(folded), reverse(folded)} {
		for _, c := range cores(text) {
			if known(c.word) && weak(c.rest) {
				return true
			}
		}
	}
	return false
}

type core struct{ word, rest string }

// cores gives the ways to see a word dressed up: as it is, without what is behind it, and without what is
// around it. The one in the middle is for $ecret99, whose first sign is a letter.
func cores(text string) []core {
	behind := strings.TrimRightFunc(text, ornament)
	around := strings.TrimLeftFunc(behind, ornament)
	tail := text[len(behind):]
	head := behind[:len(behind)-len(around)]
	return []core{{text, ""}, {behind, tail}, {around, head + tail}}
}

// ornament is what a word is dressed up with. The long vowel sign is a letter (ぱすわーど), so it is none.
func ornament(r rune) bool { return !wordly(r) }

// known says that the word, in one of its spellings, is on the list, or is such a word said several times.
func known(word string) bool {
	if utf8.RuneCountInString(word) < 3 && !strings.ContainsFunc(word, ideograph) {
		return false
	}
	for _, spelling := range spellings(word) {
		runes := []rune(spelling)
		if listed(spelling) || listed(string(runes[:period(runes)])) {
			return true
		}
	}
	return false
}

func ideograph(r rune) bool { return unicode.Is(unicode.Han, r) }

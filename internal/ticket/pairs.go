package ticket

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// mostPairs bounds the pairs of one text that are kept, and asked for.
const (
	mostPairs  = 600
	askedPairs = 12
)

// fold is the form in which texts are compared: NFKC, lower case.
func fold(text string) string {
	return norm.NFKC.String(strings.ToLower(norm.NFKC.String(text)))
}

// Pairs are the pairs of neighbouring characters in a text's words, each once, in
// order, at most so many.
func Pairs(text string, most int) (pairs []string) {
	met := map[string]bool{}
	for word := range strings.FieldsFuncSeq(fold(text), apart) {
		before := rune(0)
		for _, c := range word {
			if pair := string([]rune{before, c}); before != 0 && !met[pair] {
				if len(pairs) == most {
					return pairs
				}
				met[pair] = true
				pairs = append(pairs, pair)
			}
			before = c
		}
	}
	return pairs
}

// apart says whether a character stands between words.
func apart(c rune) bool {
	return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !unicode.IsMark(c) || c == unicode.ReplacementChar
}

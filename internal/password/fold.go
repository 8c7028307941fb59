package password

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold brings together what a guesser's program tries together: wide and half-width forms, capitals, and
// katakana with hiragana. Only for judging a password; what is hashed is settle's form.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		if 'ァ' <= r && r <= 'ヶ' {
			return r - 'ァ' + 'ぁ'
		}
		return unicode.ToLower(r)
	}, norm.NFKC.String(text))
}

// Two ways to read digits and signs as the letters they stand for: 1 and ! are i to some and l to others.
var (
	readingI = strings.NewReplacer("4", "a", "@", "a", "8", "b", "3", "e", "6", "g", "9", "g", "1", "i", "!", "i",
		"|", "i", "0", "o", "5", "s", "$", "s", "7", "t", "+", "t", "2", "z")
	readingL = strings.NewReplacer("4", "a", "@", "a", "8", "b", "3", "e", "6", "g", "9", "g", "1", "l", "!", "l",
		"|", "l", "0", "o", "5", "s", "$", "s", "7", "t", "+", "t", "2", "z")
)

// spellings gives the folded text plain and with its digits and signs read as letters.
func spellings(folded string) []string {
	return []string{folded, readingI.Replace(folded), readingL.Replace(folded)}
}

// squeeze keeps letters and digits only: p-a-s-s-w-o-r-d, 090-1234-5678. The long vowel sign and the marks
// that some letters are written with belong to the letters.
func squeeze(text string) string {
	return strings.Map(func(r rune) rune {
		if wordly(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text)
}

func wordly(r rune) bool { return unicode.IsLetter(r) || unicode.IsMark(r) }

func reverse(text string) string {
	runes := []rune(text)
	slices.Reverse(runes)
	return string(runes)
}

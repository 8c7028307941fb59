// Package phrase says things in English and Japanese: phrases from the rooms'
// words/*.json, plurals, numbers, and dates that always carry their zone.
package phrase

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Lang is a language the portal speaks.
type Lang string

// The languages. English is the fallback.
const (
	English  Lang = "en"
	Japanese Lang = "ja"
)

// Langs are all languages, in the order in which they are offered.
var Langs = []Lang{English, Japanese}

// Parse reads a stored or typed language; ok is false for one that is not spoken here.
func Parse(s string) (lang Lang, ok bool) {
	switch Lang(s) {
	case English, Japanese:
		return Lang(s), true
	}
	return English, false
}

// Book holds every room's phrases. It does not change after it was made.
//
// A portal holds thousands from its start on, so they stay in the files' own text: a phrase is a part of it.
type Book struct {
	places map[string]int             // of a key in each language's texts
	texts  map[Lang][]string          // "" where a language lacks the key
	ones   map[Lang]map[string]string // by key: what is said for n = 1
}

// NewBook reads words/en.json and words/ja.json of each room. Keys are whole
// ("signin.title"); the same key in two rooms is an error.
func NewBook(rooms ...fs.FS) (*Book, error) {
	b := &Book{places: map[string]int{}, texts: map[Lang][]string{}, ones: map[Lang]map[string]string{}}
	for _, lang := range Langs {
		b.ones[lang] = map[string]string{}
		for _, room := range rooms {
			text, err := fs.ReadFile(room, "words/"+string(lang)+".json")
			if err != nil {
				return nil, fmt.Errorf("phrases: %w", err)
			}
			err = phrases(text, func(key, one, other string) error { return b.add(lang, key, one, other) })
			if err != nil {
				return nil, fmt.Errorf("phrases in %s: %w", lang, err)
			}
		}
	}
	return b, nil
}

// add takes one phrase: one form, or one for n = 1 and one for the rest.
func (b *Book) add(lang Lang, key, one, other string) error {
	if other == "" {
		return fmt.Errorf(`%s is empty, or a plural phrase without "other"`, key)
	}
	place, known := b.places[key]
	if !known {
		place = len(b.places)
		b.places[key] = place
	}
	if texts := b.texts[lang]; place >= len(texts) {
		b.texts[lang] = append(texts, make([]string, place+1-len(texts))...)
	}
	if b.texts[lang][place] != "" {
		return fmt.Errorf("%s stands in two rooms", key)
	}
	b.texts[lang][place] = other
	if one != "" {
		b.ones[lang][key] = one
	}
	return nil
}

// text is a key's phrase in a language, as it is said for one and for the rest.
func (b *Book) text(lang Lang, key string) (one, other string) {
	place, known := b.places[key]
	if texts := b.texts[lang]; known && place < len(texts) {
		return b.ones[lang][key], texts[place]
	}
	return "", ""
}

// Has says whether a key is known.
func (b *Book) Has(key string) bool {
	_, text := b.text(English, key)
	return text != ""
}

// Keys are all keys, for tests.
func (b *Book) Keys() []string {
	keys := make([]string, 0, len(b.places))
	for key := range b.places {
		if b.Has(key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// Say is the phrase of a key, with {name} replaced by the value after that name
// in args. The value of "n" chooses the plural. A key that is missing comes back
// in brackets: ugly to see, safe to show.
func (b *Book) Say(lang Lang, key string, args ...any) string {
	one, text := b.text(lang, key)
	if text == "" {
		if one, text = b.text(English, key); text == "" {
			return "[" + key + "]"
		}
	}
	if one != "" && isOne(args) {
		text = one
	}
	if len(args) == 0 || !strings.Contains(text, "{") {
		return text
	}
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		pairs = append(pairs, "{"+fmt.Sprint(args[i])+"}", value(args[i+1]))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func isOne(args []any) bool {
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] == "n" {
			return fmt.Sprint(args[i+1]) == "1"
		}
	}
	return false
}

func value(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return Number(int64(v))
	case int64:
		return Number(v)
	case uint64:
		return Number(int64(v))
	}
	return fmt.Sprint(v)
}

// Number is a whole number with its thousands apart; both languages write it alike.
func Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

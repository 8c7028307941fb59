// Package phrase says things in English and Japanese: phrases from the rooms'
// words/*.json, plurals, numbers, and dates that always carry their zone.
package phrase

import (
	"encoding/json"
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
type Book struct {
	entries map[Lang]map[string]entry
}

// entry is one phrase: one form, or one for n = 1 and one for the rest.
type entry struct{ one, other string }

func (e *entry) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return json.Unmarshal(data, &e.other)
	}
	forms := map[string]string{}
	if err := json.Unmarshal(data, &forms); err != nil {
		return err
	}
	e.one, e.other = forms["one"], forms["other"]
	if e.other == "" {
		return fmt.Errorf(`a plural phrase needs "other"`)
	}
	return nil
}

// NewBook reads words/en.json and words/ja.json of each room. Keys are whole
// ("signin.title"); the same key in two rooms is an error.
func NewBook(rooms ...fs.FS) (*Book, error) {
	b := &Book{entries: map[Lang]map[string]entry{}}
	for _, lang := range Langs {
		all := map[string]entry{}
		for _, room := range rooms {
			text, err := fs.ReadFile(room, "words/"+string(lang)+".json")
			if err != nil {
				return nil, fmt.Errorf("phrases: %w", err)
			}
			words := map[string]entry{}
			if err := json.Unmarshal(text, &words); err != nil {
				return nil, fmt.Errorf("phrases in %s: %w", lang, err)
			}
			for key, e := range words {
				if _, twice := all[key]; twice {
					return nil, fmt.Errorf("phrases in %s: %s stands in two rooms", lang, key)
				}
				all[key] = e
			}
		}
		b.entries[lang] = all
	}
	return b, nil
}

// Has says whether a key is known.
func (b *Book) Has(key string) bool { _, ok := b.entries[English][key]; return ok }

// Keys are all keys, for tests.
func (b *Book) Keys() []string {
	keys := make([]string, 0, len(b.entries[English]))
	for key := range b.entries[English] {
		keys = append(keys, key)
	}
	return keys
}

// Say is the phrase of a key, with {name} replaced by the value after that name
// in args. The value of "n" chooses the plural. A key that is missing comes back
// in brackets: ugly to see, safe to show.
func (b *Book) Say(lang Lang, key string, args ...any) string {
	e, ok := b.entries[lang][key]
	if !ok {
		if e, ok = b.entries[English][key]; !ok {
			return "[" + key + "]"
		}
	}
	text := e.other
	if e.one != "" && isOne(args) {
		text = e.one
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

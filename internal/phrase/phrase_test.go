package phrase

import (
	"io/fs"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func room(en, ja string) fs.FS {
	return fstest.MapFS{"words/en.json": {Data: []byte(en)}, "words/ja.json": {Data: []byte(ja)}}
}

func TestAPhraseIsSaidInItsLanguageWithItsValues(t *testing.T) {
	book, err := NewBook(
		room(`{"a.hello": "Hello, {name}.", "a.codes": {"one": "{n} code for {name}", "other": "{n} codes for {name}"}, "a.english": "Only here"}`,
			`{"a.hello": "{name}さん、こんにちは。", "a.codes": "{name}さんのコード{n}個"}`),
		room(`{"b.plain": "Plain {name}"}`, `{"b.plain": "そのまま"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		lang Lang
		key  string
		args []any
		want string
	}{
		{English, "a.hello", []any{"name", "Ms Sato"}, "Hello, Ms Sato."},
		{Japanese, "a.hello", []any{"name", "佐藤"}, "佐藤さん、こんにちは。"},
		{English, "a.codes", []any{"n", 1, "name", "you"}, "1 code for you"},
		{English, "a.codes", []any{"name", "you", "n", int64(1)}, "1 code for you"},
		{English, "a.codes", []any{"n", 0, "name", "you"}, "0 codes for you"},
		{English, "a.codes", []any{"n", uint64(1234567), "name", "you"}, "1,234,567 codes for you"},
		{Japanese, "a.codes", []any{"n", 1, "name", "佐藤"}, "佐藤さんのコード1個"},
		{English, "a.hello", []any{"name", "{n}", "n", 5}, "Hello, {n}."}, // a value is no template
		{English, "b.plain", nil, "Plain {name}"},
		{English, "b.plain", []any{"name"}, "Plain {name}"}, // a name without its value
		{Japanese, "a.english", nil, "Only here"},
		{"de", "a.hello", []any{"name", "Sato"}, "Hello, Sato."},
		{English, "a.unknown", []any{"name", "x"}, "[a.unknown]"},
	} {
		if got := book.Say(c.lang, c.key, c.args...); got != c.want {
			t.Errorf("%s %s %v: %q, want %q", c.lang, c.key, c.args, got, c.want)
		}
	}
	keys := book.Keys()
	slices.Sort(keys)
	if !slices.Equal(keys, []string{"a.codes", "a.english", "a.hello", "b.plain"}) || !book.Has("a.codes") || book.Has("a.unknown") {
		t.Errorf("%v", keys)
	}
}

func TestABookOfBrokenRoomsIsNotMade(t *testing.T) {
	for name, c := range map[string]struct {
		rooms []fs.FS
		said  string
	}{
		"a key in two rooms":        {[]fs.FS{room(`{"a": "x"}`, `{}`), room(`{"a": "y"}`, `{}`)}, "a stands in two rooms"},
		"a plural without its rest": {[]fs.FS{room(`{"a": {"one": "x"}}`, `{}`)}, "other"},
		"a number for a phrase":     {[]fs.FS{room(`{"a": 1}`, `{}`)}, "phrases in en"},
		"broken text":               {[]fs.FS{room(`{`, `{}`)}, "phrases in en"},
		"one language missing":      {[]fs.FS{fstest.MapFS{"words/en.json": {Data: []byte(`{}`)}}}, "ja.json"},
	} {
		if _, err := NewBook(c.rooms...); err == nil || !strings.Contains(err.Error(), c.said) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestANumberHasItsThousandsApart(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1000: "1,000", 1234567: "1,234,567", -5: "−5", -1000: "−1,000", -999: "−999",
		math.MinInt64: "−9,223,372,036,854,775,808",
	} {
		if got := Number(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestALanguageThatIsNotSpokenIsEnglish(t *testing.T) {
	for text, want := range map[string]Lang{"en": English, "ja": Japanese, "de": English, "": English, "JA": English} {
		lang, ok := Parse(text)
		if lang != want || ok != slices.Contains([]string{"en", "ja"}, text) {
			t.Errorf("%q: %s, %t", text, lang, ok)
		}
	}
}

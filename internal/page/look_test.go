package page_test

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	rootBlock = regexp.MustCompile(`:root \{([^}]*)\}`)
	darkBlock = regexp.MustCompile(`prefers-color-scheme: dark\) \{\s*:root \{([^}]*)\}`)
	colour    = regexp.MustCompile(`--([a-z-]+): #([0-9A-Fa-f]{6})\b`)
	comment   = regexp.MustCompile(`(?s)/\*.*?\*/`)
)

// palette reads the colour tokens: the light ones, and the dark ones over them.
func palette(t *testing.T) map[string]map[string]float64 {
	t.Helper()
	css := read(t, "static/app.css")
	light, dark := rootBlock.FindStringSubmatch(css), darkBlock.FindStringSubmatch(css)
	if light == nil || dark == nil {
		t.Fatal("the tokens were not found")
	}
	both := map[string]map[string]float64{"light": luminances(light[1])}
	both["dark"] = maps.Clone(both["light"])
	maps.Copy(both["dark"], luminances(dark[1]))
	return both
}

func luminances(block string) map[string]float64 {
	tokens := map[string]float64{}
	for _, found := range colour.FindAllStringSubmatch(block, -1) {
		rgb, _ := strconv.ParseUint(found[2], 16, 32) // the pattern admits six hex digits alone
		tokens[found[1]] = 0.2126*linear(rgb>>16) + 0.7152*linear(rgb>>8&255) + 0.0722*linear(rgb&255)
	}
	return tokens
}

// linear is WCAG 2's relative luminance of one channel.
func linear(channel uint64) float64 {
	c := float64(channel) / 255
	if c <= 0.04045 {
		return c / 12.92
	}
	return math.Pow((c+0.055)/1.055, 2.4)
}

func TestContrastHoldsInLightAndDark(t *testing.T) {
	pairs := []struct {
		front, backs string
		least        float64
	}{
		{"ink", "paper card sunk ai-soft shu-soft moss-soft", 7}, // body text
		{"muted", "paper card sunk", 6.5},                        // hints, labels; and the edges of fields
		{"ai", "paper card sunk ai-soft shu-soft moss-soft", 4.5},
		{"ai-deep", "paper card sunk ai-soft shu-soft", 4.5},
		{"shu", "paper card sunk shu-soft", 4.5},
		{"shu-deep", "paper card shu-soft", 4.5},
		{"moss", "paper card moss-soft", 4.5},
		{"on-ai", "ai ai-deep", 4.5},
		{"on-shu", "shu shu-deep", 4.5},
		{"qr-ink", "qr-paper", 7},
	}
	for scheme, tokens := range palette(t) {
		for _, pair := range pairs {
			for _, back := range strings.Fields(pair.backs) {
				a, known := tokens[pair.front]
				b, also := tokens[back]
				if !known || !also {
					t.Fatalf("%s: no token %s or %s", scheme, pair.front, back)
				}
				if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < pair.least {
					t.Errorf("%s: %s on %s has contrast %.2f, less than %.1f", scheme, pair.front, back, ratio, pair.least)
				}
			}
		}
	}
}

func TestEveryColourIsAToken(t *testing.T) {
	rules := comment.ReplaceAllString(rootBlock.ReplaceAllString(read(t, "static/app.css"), ""), "")
	raw := regexp.MustCompile(`#[0-9A-Fa-f]{3,8}\b|\b(?:rgba?|hsla?|oklch|oklab|lab|lch|color)\(|:[^;{}]*\b(?:white|black|red|green|blue|gray|grey|silver|yellow|orange)\b`)
	for _, found := range raw.FindAllString(rules, -1) {
		t.Errorf("a rule has a raw colour: %s", found)
	}
}

func TestEveryTokenInUseIsDefined(t *testing.T) {
	css := read(t, "static/app.css")
	for _, found := range regexp.MustCompile(`var\((--[a-z0-9-]+)\)`).FindAllStringSubmatch(css, -1) {
		if !strings.Contains(css, found[1]+":") {
			t.Errorf("%s is not defined", found[1])
		}
	}
}

func TestThereAreFiveSizesOfType(t *testing.T) {
	css := comment.ReplaceAllString(read(t, "static/app.css"), "")
	allowed := regexp.MustCompile(`^(var\(--(tiny|body|lead|head|title)\)|100%|11pt|0\.9375em)$`) // root, paper, and code beside text
	for _, found := range regexp.MustCompile(`font-size: ([^;]+);`).FindAllStringSubmatch(css, -1) {
		if !allowed.MatchString(found[1]) {
			t.Errorf("a size beside the five: %s", found[1])
		}
	}
}

// templates are all pages of the repository.
func templates(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("../*/pages/*.html")
	if err != nil || len(names) < 3 {
		t.Fatalf("templates: %v, %v", names, err)
	}
	return append(names, globbed(t, "testdata/pages/*.html")...)
}

func globbed(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestNoTemplateHasInlineStyleOrScript(t *testing.T) {
	inline := regexp.MustCompile(`(?i)\sstyle\s*=|<style|\son[a-z]+\s*=|javascript:|<script(?:\s*>|\s+[^>]*>[^<])`)
	for _, name := range templates(t) {
		for _, found := range inline.FindAllString(read(t, name), -1) {
			t.Errorf("%s: %q would be blocked", name, found)
		}
	}
}

// vocabulary are the keys of every room, by language.
func vocabulary(t *testing.T, lang string) map[string]bool {
	t.Helper()
	keys := map[string]bool{}
	for _, name := range globbed(t, "../*/words/"+lang+".json") {
		words := map[string]json.RawMessage{}
		if err := json.Unmarshal([]byte(read(t, name)), &words); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for key := range words {
			keys[key] = true
		}
	}
	return keys
}

func TestEveryPhraseThatAPageSaysExistsInBothLanguages(t *testing.T) {
	en, ja := vocabulary(t, "en"), vocabulary(t, "ja")
	for _, key := range slices.Sorted(maps.Keys(en)) {
		if !ja[key] {
			t.Errorf("%s lacks its Japanese", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(ja)) {
		if !en[key] {
			t.Errorf("%s lacks its English", key)
		}
	}
	said := regexp.MustCompile(`[{(\s]t "([^"…]+)"`)
	for _, name := range templates(t) {
		for _, found := range said.FindAllStringSubmatch(read(t, name), -1) {
			if !en[found[1]] {
				t.Errorf("%s says %s, which does not exist", name, found[1])
			}
		}
	}
}

func TestTheScriptIsSmall(t *testing.T) {
	for _, name := range []string{"static/app.js", "static/send.js"} { // send.js is on pages with files alone
		if size := len(read(t, name)); size > 3000 {
			t.Errorf("%s: %d bytes", name, size)
		}
	}
}

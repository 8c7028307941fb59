package house

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

var placeholder = regexp.MustCompile(`\{[A-Za-z_][\w.]*\}`)

func bothLanguagesSayTheSame(t *tree) (breaches []string) {
	dirs := map[string]bool{}
	for name := range t.files {
		if base := path.Base(name); path.Base(path.Dir(name)) == "words" && (base == "en.json" || base == "ja.json") {
			dirs[path.Dir(name)] = true
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		english, wrongEnglish := phrases(t, dir+"/en.json")
		japanese, wrongJapanese := phrases(t, dir+"/ja.json")
		if wrong := slices.Concat(wrongEnglish, wrongJapanese); len(wrong) > 0 {
			breaches = append(breaches, wrong...)
			continue
		}
		breaches = append(breaches, lacking(t, dir+"/en.json", english, dir+"/ja.json", japanese)...)
		breaches = append(breaches, lacking(t, dir+"/ja.json", japanese, dir+"/en.json", english)...)
		for key, here := range english {
			there, ok := japanese[key]
			if want, got := placeholders(here), placeholders(there); ok && !slices.Equal(want, got) {
				breaches = append(breaches, fmt.Sprintf("%s: %s fills in %v, and in English %v: both languages take the same values",
					t.lineOf(dir+"/ja.json", `"`+key+`"`), key, got, want))
			}
		}
	}
	slices.Sort(breaches)
	return breaches
}

func lacking(t *tree, has string, phrases map[string]string, lacks string, others map[string]string) (breaches []string) {
	for key := range phrases {
		if _, ok := others[key]; !ok {
			breaches = append(breaches, fmt.Sprintf("%s: %s is not in %s: say it in both languages",
				t.lineOf(has, `"`+key+`"`), key, lacks))
		}
	}
	return breaches
}

func placeholders(text string) []string {
	names := placeholder.FindAllString(text, -1)
	slices.Sort(names)
	return slices.Compact(names)
}

// phrases reads a file of words: by key the phrase, of a plural all forms in one.
func phrases(t *tree, name string) (all map[string]string, breaches []string) {
	text, ok := t.files[name]
	if !ok {
		return nil, []string{name + ": missing beside the other language"}
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	if opening, err := decoder.Token(); err != nil || opening != json.Delim('{') {
		return nil, []string{name + ": must be one object of keys and phrases"}
	}
	all = map[string]string{}
	for decoder.More() {
		key, err := decoder.Token()
		var value any
		if err == nil {
			err = decoder.Decode(&value)
		}
		if err != nil {
			return nil, []string{fmt.Sprintf("%s: %v", name, err)}
		}
		phrase, wrong := phraseOf(value)
		if _, twice := all[key.(string)]; twice {
			wrong = "stands here twice, and only the last would be said"
		}
		if wrong != "" {
			breaches = append(breaches, fmt.Sprintf("%s: %s %s", t.lineOf(name, `"`+key.(string)+`"`), key, wrong))
		}
		all[key.(string)] = phrase
	}
	return all, breaches
}

func phraseOf(value any) (phrase, wrong string) {
	switch value := value.(type) {
	case string:
		phrase = value
	case map[string]any:
		for form, text := range value {
			said, ok := text.(string)
			if form != "one" && form != "other" || !ok {
				return "", `has the form ` + form + `: a plural is {"one": text, "other": text}`
			}
			phrase += said
		}
	default:
		return "", "is neither a text nor a plural"
	}
	if strings.TrimSpace(phrase) == "" {
		return "", "says nothing"
	}
	return phrase, ""
}

package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"html/template"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"text/template/parse"

	"nidan/internal/phrase"
)

// nasty are phrases that are written otherwise in one place or another.
var nasty = map[string]string{
	"fold.plain": "Sign in: 50 % of {n}, naïve 日本語", "fold.entity": "a &amp; b", "fold.quotes": `say "it's"`, "fold.markup": "<b>x</b><script>", "fold.plus": "a+b",
	"fold.equals": "a=b `c`", "fold.braces": "{{.}}", "fold.nul": "a\x00b", "fold.space": " two  lines\n", "fold.comment": "<!-- x -->", "fold.scheme": "javascript:x", "fold.path": "/a b?c#d%20",
}

func folding(t *testing.T) *Site {
	t.Helper()
	words, err := json.Marshal(nasty)
	if err != nil {
		t.Fatal(err)
	}
	book, err := phrase.NewBook(Words, phrase.Words, fstest.MapFS{"words/en.json": {Data: words}, "words/ja.json": {Data: words}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(book, slog.New(slog.DiscardHandler), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// everyPlace has a phrase K wherever a page may have one: in no address.
const everyPlace = `{{define "shows"}}[{{.}}|{{t "K"}}]{{end}}{{define "named"}}<i title="{{.a}}">{{.b}}</i>{{end -}}
{{define "all"}}<title>{{t "K"}}</title><p title="{{t "K"}}" data-x="x {{t "K"}}{{gap}}y{{comma}}" class='{{t "K"}}'>  {{- t "K" -}}  </p>
<textarea>{{t "K"}}</textarea><script src="{{asset "app.js"}}" defer></script><a href="{{asset "app.css"}}">{{t "K"}}{{gap}}{{comma}}{{t "K" "n" 3}}</a>
{{if (t "K")}}{{t "K"}}{{else}}no{{end}}{{with (t "K")}}{{.}}{{t "K"}}{{end}}{{range .}}{{t "K"}}{{.}}{{else}}{{t "K"}}{{end}}
{{$x := t "K"}}{{$x}}<b title="{{$x}}">{{template "shows" (t "K")}}{{template "named" (part "a" (t "K") "b" (t "fold.plain" "n" (t "K")))}}</b>{{t "K" | printf "%q"}}{{(t "K")}}{{end}}`

func TestWhatIsFoldedIsShownAsItWas(t *testing.T) {
	s := folding(t)
	for _, lang := range phrase.Langs {
		folded := 0
		for key := range nasty {
			text := strings.ReplaceAll(everyPlace, `"K"`, `"`+key+`"`)
			var shown [2]string
			for i := range shown {
				all, err := template.New("").Funcs(s.words[lang]).Parse(text)
				if err != nil {
					t.Fatal(err)
				}
				if before := fixedIn(s, lang, all); i == 1 {
					folder{s, lang}.fold(all)
					folded += before - fixedIn(s, lang, all)
				}
				var b bytes.Buffer
				if err := all.ExecuteTemplate(&b, "all", []string{"<one>", "two"}); err != nil {
					t.Fatal(err)
				}
				shown[i] = b.String()
			}
			if shown[0] != shown[1] {
				t.Errorf("%s in %s:\n%s\n\nand folded:\n%s", key, lang, shown[0], shown[1])
			}
		}
		if folded < 5*len(nasty) {
			t.Errorf("%s: %d folded: the test is blind", lang, folded)
		}
	}
}

// fixedIn counts the actions that say the same each time.
func fixedIn(s *Site, lang phrase.Lang, all *template.Template) (n int) {
	actions(all, func(a *parse.ActionNode) {
		if _, ok := (folder{s, lang}).fixed(a.Pipe); ok {
			n++
		}
	})
	return n
}

// actions goes through all templates.
func actions(all *template.Template, see func(*parse.ActionNode)) {
	var list func(l *parse.ListNode)
	branch := func(b *parse.BranchNode) { list(b.List); list(b.ElseList) }
	list = func(l *parse.ListNode) {
		if l == nil {
			return
		}
		for _, node := range l.Nodes {
			switch n := node.(type) {
			case *parse.ActionNode:
				see(n)
			case *parse.IfNode:
				branch(&n.BranchNode)
			case *parse.WithNode:
				branch(&n.BranchNode)
			case *parse.RangeNode:
				branch(&n.BranchNode)
			}
		}
	}
	for _, one := range all.Templates() {
		if one.Tree != nil {
			list(one.Tree.Root)
		}
	}
}

// A phrase is folded as it stands wherever it stands: on every page of every room that has
// to be a text or a quoted attribute, and of what is no phrase the address of a static file.
func TestEveryPageHasItsPhrasesWhereTheyMayBeFolded(t *testing.T) {
	s := folding(t)
	files, err := filepath.Glob("../*/pages/*.html")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d pages, %v", len(files), err)
	}
	seen := 0
	for _, file := range files {
		if name := short(file); name == "layout" || name == "parts" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all, err := s.layout[phrase.English].Clone()
		if err == nil {
			_, err = all.New(file).Parse(string(text))
		}
		if err != nil {
			t.Fatal(err)
		}
		var wrong *template.Error // of html/template; that there is no view comes after it has escaped
		if err := all.ExecuteTemplate(&bytes.Buffer{}, "layout", nil); errors.As(err, &wrong) {
			t.Fatal(err)
		}
		actions(all, func(a *parse.ActionNode) {
			said := *a.Pipe
			said.Cmds = said.Cmds[:1]
			if _, ok := (folder{s, phrase.English}).fixed(&said); !ok {
				return
			}
			seen++
			allowed := []string{"_html_template_htmlescaper", "_html_template_attrescaper", "_html_template_rcdataescaper"}
			if said.Cmds[0].Args[0].String() == "asset" {
				allowed = append(allowed, "_html_template_urlfilter", "_html_template_urlnormalizer")
			}
			for _, escaper := range a.Pipe.Cmds[1:] {
				if !slices.Contains(allowed, escaper.String()) {
					t.Errorf("%s: %s", file, a)
				}
			}
		})
	}
	if seen < 1000 {
		t.Errorf("%d phrases seen: the test is blind", seen)
	}
}

package browsertest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"nidan/internal/phrase"
)

func TestEveryPageIsWholeInBothLanguages(t *testing.T) {
	for _, one := range scenes {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			b := build(t).tab(phrase.English)
			one.lead(b)
			b.examine(one)
			if one.posted {
				b = build(t).tab(phrase.Japanese)
				one.lead(b)
			} else {
				b.speak(phrase.Japanese)
				b.open(b.path())
			}
			b.examine(one)
		})
	}
}

// examine looks at the page shown, on every screen and in both schemes.
func (b *tab) examine(one scene) {
	b.Helper()
	if b.status != one.status {
		b.Fatalf("status %d, wanted %d:\n%s", b.status, one.status, b.text())
	}
	b.words()
	rules := b.axe()
	for _, at := range []screen{desk, phone} {
		for _, in := range []scheme{light, dark} {
			b.look(at, in)
			rules.check(b, at, in)
			b.picture(one.name, at, in)
		}
	}
	for _, at := range []screen{desk, zoomed, phone, narrow} {
		b.look(at, light)
		b.fits(at)
	}
	b.look(desk, light)
	b.quiet()
}

var (
	missing  = regexp.MustCompile(`\[[a-z]+\.[a-z0-9_]+\]|\{[A-Za-z_.]+\}|<no value>|%!|ZgotmplZ`)
	japanese = regexp.MustCompile(`[\p{Hiragana}\p{Katakana}\p{Han}]`)
)

// words says that the page has its title and heading, in its language, and that
// no phrase or value lacks.
func (b *tab) words() {
	b.Helper()
	var page struct {
		Lang, Title, Text, Foreign string
		Headings                   []string
	}
	b.read(&page, `({lang: document.documentElement.lang, title: document.title, text: document.body.innerText,
		foreign: Array.from(document.querySelectorAll('[lang]:not(html)'), e => e.innerText).join(' '),
		headings: Array.from(document.querySelectorAll('h1'), e => e.innerText)})`)
	if page.Lang != string(b.lang) {
		b.Errorf("the page is in %q, wanted %q", page.Lang, b.lang)
	}
	if len(page.Headings) != 1 || page.Headings[0] == "" || !strings.Contains(page.Title, page.Headings[0]) {
		b.Errorf("headings %q, title %q", page.Headings, page.Title)
	}
	if found := missing.FindString(page.Title + page.Text); found != "" {
		b.Errorf("the page says %q:\n%s", found, page.Text)
	}
	own := strings.ReplaceAll(page.Text, page.Foreign, "")
	switch heading := strings.Join(page.Headings, ""); b.lang {
	case phrase.English:
		if found := japanese.FindString(own); found != "" {
			b.Errorf("the English page says %q:\n%s", found, own)
		}
	case phrase.Japanese:
		if !japanese.MatchString(heading) {
			b.Errorf("the Japanese page is called %q", heading)
		}
	}
}

// read evaluates an expression and decodes its value.
func (b *tab) read(value any, expression string) {
	b.Helper()
	b.must(json.Unmarshal(within(b, chromedp.Evaluate[[]byte](expression, chromedp.EvalAsValue)), value))
}

// fits says that nothing stands beside the screen: nobody has to scroll sideways.
func (b *tab) fits(at screen) {
	b.Helper()
	var outside []string
	b.read(&outside, `(() => {
		const wide = document.scrollingElement.scrollWidth > document.documentElement.clientWidth ? ['the page scrolls sideways'] : [];
		const out = Array.from(document.querySelectorAll('body *')).filter(e => {
			const r = e.getBoundingClientRect();
			return r.width > 1 && r.right > innerWidth + 1 && !e.closest('.scroll, .unseen');
		});
		return wide.concat(out.map(e => e.outerHTML.slice(0, 120)));
	})()`)
	if len(outside) > 0 {
		b.Errorf("%d pixels wide: %q", at.width, outside)
	}
}

// rules are the rules of axe, in a world beside the page's own scripts.
type rules runtime.ExecutionContextID

// axe brings the rules to the page shown.
func (b *tab) axe() rules {
	b.Helper()
	script, err := os.ReadFile(filepath.Join("axe", "axe.min.js"))
	b.must(err)
	tree, err := chromedp.Call(b.ctx, page.GetFrameTree, cdp.Empty{})
	b.must(err)
	world, err := chromedp.Call(b.ctx, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.FrameTree.Frame.ID, WorldName: "axe"})
	b.must(err)
	in := rules(world.ExecutionContextID)
	within(b, chromedp.Evaluate[chromedp.Void](string(script)+";0", in.world))
	return in
}

func (in rules) world(p *runtime.EvaluateParams) { p.ContextID = runtime.ExecutionContextID(in) }

// ask is the question put to axe, which loads nothing by itself. Of what changes
// with the scheme, the rules on colour know all.
const ask = `axe.run(document, {
	runOnly: dark ? {type: 'rule', values: ['color-contrast', 'link-in-text-block']} :
		{type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']},
	resultTypes: ['violations'], preload: false,
}).then(r => ({passes: r.passes.length, violations: r.violations.flatMap(
	v => v.nodes.map(n => v.id + ': ' + v.help + ' at ' + n.target.join(' ') + ': ' + n.failureSummary))}))`

// check holds the page as it looks now against the rules.
func (in rules) check(b *tab, at screen, as scheme) {
	b.Helper()
	var found struct {
		Passes     int
		Violations []string
	}
	question := fmt.Sprintf("{const dark = %t; %s}", as == dark, ask)
	b.must(json.Unmarshal(within(b, chromedp.Evaluate[[]byte](question, in.world, chromedp.EvalAsValue, chromedp.EvalAwaitPromise)), &found))
	if least := map[scheme]int{light: 10, dark: 1}[as]; found.Passes < least {
		b.Errorf("only %d rules were held against the page: the test is blind", found.Passes)
	}
	for _, violation := range found.Violations {
		b.Errorf("%d pixels, %s: %s", at.width, as, violation)
	}
}

package browsertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"nidan/internal/demo"
	"nidan/internal/phrase"
)

func TestEveryPageIsWholeInBothLanguages(t *testing.T) {
	t.Parallel()
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

func TestTheDemosPagesAreWholeInBothLanguages(t *testing.T) {
	t.Parallel()
	s, facts := demonstrate(t)
	invited := slices.IndexFunc(facts.Accounts, func(a demo.Account) bool { return a.State == demo.Invited })
	b := s.tab(phrase.English)
	for _, lang := range phrase.Langs {
		b.speak(lang)
		for name, path := range map[string]string{"signin": "/signin", "begin": "/demo", "mailbox": "/demo/mailbox?to=" + facts.Accounts[invited].Email,
			"authenticator": "/demo/authenticator", "add": "/demo/authenticator/add", "clock": "/demo/clock"} {
			b.open(path)
			b.examine(scene{name: "demo-" + name, status: http.StatusOK, mixed: true})
		}
	}
}

// examine looks at the page shown, on every screen and in both schemes.
func (b *tab) examine(one scene) {
	b.Helper()
	if b.status != one.status {
		b.Fatalf("status %d, wanted %d:\n%s", b.status, one.status, b.text())
	}
	b.none(b.words(one.mixed))
	b.none(b.beginning(one.status == http.StatusOK))
	if !one.mixed {
		b.none(b.ways()) // a demo's mails name what other releases bring
	}
	rules := b.axe()
	for _, at := range []screen{desk, phone} {
		for _, in := range []scheme{light, dark} {
			b.look(at, in)
			b.none(rules.broken(b, at, in))
			if in == light {
				b.none(b.outside(at))
			}
			b.picture(one.name, at, in)
		}
	}
	for _, at := range []screen{zoomed, narrow} {
		b.look(at, light)
		b.none(b.outside(at))
	}
	b.look(desk, light)
	b.quiet()
}

var (
	missing  = regexp.MustCompile(`\[[a-z]+\.[a-z0-9_]+\]|\{[A-Za-z_.]+\}|<no value>|%!|ZgotmplZ`)
	japanese = regexp.MustCompile(`[\p{Hiragana}\p{Katakana}\p{Han}]`)
	apart    = regexp.MustCompile(`[。、] +\p{Han}|[。、] +\p{Hiragana}|[。、] +\p{Katakana}`)
)

// words is what is wrong with the page's title, heading and language, and with
// phrases and values that lack. A mixed page shows names and mails of any language.
func (b *tab) words(mixed bool) (wrong []string) {
	b.Helper()
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	var page struct {
		Lang, Title, Text, Foreign string
		Headings                   []string
	}
	b.read(&page, `({lang: document.documentElement.lang, title: document.title, text: document.body.innerText,
		foreign: Array.from(document.querySelectorAll('[lang]:not(html)'), e => e.innerText).join(' '),
		headings: Array.from(document.querySelectorAll('h1'), e => e.innerText)})`)
	if page.Lang != string(b.lang) {
		bad("the page is in %q, wanted %q", page.Lang, b.lang)
	}
	if len(page.Headings) != 1 || page.Headings[0] == "" || !strings.Contains(page.Title, page.Headings[0]) {
		bad("headings %q, title %q", page.Headings, page.Title)
	}
	if found := missing.FindString(page.Title + page.Text); found != "" {
		bad("the page says %q:\n%s", found, page.Text)
	}
	own, heading := strings.ReplaceAll(page.Text, page.Foreign, ""), strings.Join(page.Headings, "")
	switch {
	case b.lang == phrase.Japanese && !japanese.MatchString(heading):
		bad("the Japanese page is called %q", heading)
	case mixed:
	case b.lang == phrase.English && japanese.MatchString(own):
		bad("the English page says %q:\n%s", japanese.FindString(own), own)
	case apart.MatchString(own):
		bad("a gap after a full stop: %q", apart.FindString(own))
	}
	return wrong
}

// beginning is what is wrong with where a page begins: a form asked for is shown
// from its top, whatever has the focus.
func (b *tab) beginning(fromTop bool) (wrong []string) {
	b.Helper()
	if at := within(b, chromedp.Evaluate[float64]("scrollY")); fromTop && at > 0 {
		wrong = append(wrong, fmt.Sprintf("the page opens %v pixels below its top", at))
	}
	return wrong
}

// ways are the links that lead to no page of the portal.
func (b *tab) ways() (wrong []string) {
	b.Helper()
	known := http.NewServeMux()
	for _, rt := range b.portal.Routes() {
		known.HandleFunc(rt.Pattern, rt.Serve)
	}
	var links []string
	b.read(&links, `Array.from(document.querySelectorAll('a[href]'), e => e.href)`)
	here := b.path()
	for _, link := range links {
		path, ours := strings.CutPrefix(link, b.url)
		path, _, _ = strings.Cut(path, "#")
		path, _, _ = strings.Cut(path, "?")
		if !ours || path == here {
			continue // of another host, or the same page in the other language
		}
		if _, pattern := known.Handler(httptest.NewRequest(http.MethodGet, path, nil)); pattern == "" {
			wrong = append(wrong, "a link leads to no page: "+link)
		}
	}
	return wrong
}

// read evaluates an expression and decodes its value.
func (b *tab) read(value any, expression string) {
	b.Helper()
	b.must(json.Unmarshal(within(b, chromedp.Evaluate[[]byte](expression, chromedp.EvalAsValue)), value))
}

// outside is what stands beside the screen: nobody has to scroll sideways.
func (b *tab) outside(at screen) (wrong []string) {
	b.Helper()
	b.read(&wrong, `(() => {
		const wide = document.scrollingElement.scrollWidth > document.documentElement.clientWidth ? ['the page scrolls sideways'] : [];
		const out = Array.from(document.querySelectorAll('body *')).filter(e => {
			const r = e.getBoundingClientRect();
			return r.width > 1 && r.right > innerWidth + 1 && !e.closest('.scroll, .unseen');
		});
		const cut = Array.from(document.querySelectorAll('.scroll')).filter(e => e.scrollWidth > e.clientWidth + 1);
		return wide.concat(cut.map(e => 'a table is cut off: ' + e.innerText.slice(0, 80))).concat(out.map(e => 'outside: ' + e.outerHTML.slice(0, 120)));
	})()`)
	for i, one := range wrong {
		wrong[i] = fmt.Sprintf("%d pixels wide: %s", at.width, one)
	}
	return wrong
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
// with the scheme, the rules on colour know all. A demo's authenticator shows other
// codes every 30 seconds, as it must.
const ask = `axe.run(document, {
	runOnly: dark ? {type: 'rule', values: ['color-contrast', 'link-in-text-block']} :
		{type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']},
	rules: demo ? {'meta-refresh': {enabled: false}} : {}, resultTypes: ['violations'], preload: false,
}).then(r => ({passes: r.passes.length, violations: r.violations.flatMap(
	v => v.nodes.map(n => v.id + ': ' + v.help + ' at ' + n.target.join(' ') + ': ' + n.failureSummary))}))`

// broken are the rules that the page breaks as it looks now.
func (in rules) broken(b *tab, at screen, as scheme) (wrong []string) {
	b.Helper()
	var found struct {
		Passes     int
		Violations []string
	}
	question := fmt.Sprintf("{const dark = %t, demo = %t; %s}", as == dark, b.portal.Demo, ask)
	b.must(json.Unmarshal(within(b, chromedp.Evaluate[[]byte](question, in.world, chromedp.EvalAsValue, chromedp.EvalAwaitPromise)), &found))
	if least := map[scheme]int{light: 10, dark: 1}[as]; found.Passes < least {
		found.Violations = append(found.Violations, fmt.Sprintf("only %d rules were held against the page: the test is blind", found.Passes))
	}
	for _, violation := range found.Violations {
		wrong = append(wrong, fmt.Sprintf("%d pixels, %s: %s", at.width, as, violation))
	}
	return wrong
}

// planted is a page with one of every fault, and its own strict policy.
const planted = `<!doctype html><html lang="en"><head><title>Elsewhere</title><style>
.pale { color: #999; background: #aaa } @media (prefers-color-scheme: dark) { .pale { color: #000 } }
</style></head><body><h1>標題</h1><p class="pale">[signin.title] for {name}</p><img src="http://127.0.0.2:9/x.png">
<div style="width: 2000px">wide</div><div class="scroll" style="width: 90px; overflow: auto"><p style="width: 200px">table</p></div><a href="/guide/nowhere">guide</a><input style="margin-top: 3000px" autofocus>
<script>console.error("oops")</script></body></html>`

// What is looked for is found where it is: none of the looks is blind.
func TestThePlantedFaultsAreFound(t *testing.T) {
	t.Parallel()
	s := build(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(planted))
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	b := s.tab(phrase.English)
	b.open("/")
	found := map[string][]string{"words": b.words(false), "beginning": b.beginning(true), "ways": b.ways(), "outside": b.outside(desk)}
	b.look(desk, light)
	found["light"] = b.axe().broken(b, desk, light)
	b.look(phone, dark)
	found["dark"] = b.axe().broken(b, phone, dark)
	b.lang = phrase.Japanese
	found["language"] = b.words(true)
	found["noise"] = b.noise()
	for look, parts := range map[string][]string{
		"words":     {`[signin.title]`, "title", "標"},
		"beginning": {"below its top"},
		"ways":      {"/guide/nowhere"},
		"outside":   {"scrolls sideways", "2000px", "a table is cut off"},
		"light":     {"color-contrast", "image-alt", "label"},
		"language":  {`in "en"`},
		"noise":     {"console.error", "127.0.0.2"},
	} {
		all := strings.Join(found[look], "\n")
		for _, part := range parts {
			if !strings.Contains(all, part) {
				t.Errorf("%s does not find %q, only %q", look, part, found[look])
			}
		}
	}
	if all := strings.Join(found["dark"], "\n"); strings.Contains(all, "color-contrast") {
		t.Errorf("black on grey is not pale; the scheme did not change: %s", all)
	}
}

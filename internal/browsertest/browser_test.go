// Package browsertest looks at the portal as people do: the whole of it in
// process, a real browser before it, a real mail server behind it, and the
// programs oathtool and zbarimg in place of a phone.
package browsertest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"nidan/internal/phrase"
)

// patience is how long anything that a test waits for may take. Nothing takes
// that long, however busy the machine: it only ends a test that would never end.
const patience = 2 * time.Minute

func TestMain(m *testing.M) {
	code := m.Run()
	if browser != nil {
		_ = chromedp.Cancel(browser) // it is over; what matters was tested
	}
	os.Exit(code)
}

var (
	browser context.Context // the one browser of this package
	started sync.Once
	failure error
)

// sparing is what spares the browser work that no page shows. A process lives as long
// as its window, rather than as one page: so the rules of axe are compiled once, and not
// for speed, since a page that is looked at once never earns that back.
var sparing = map[string]any{
	"disable-gpu":      true,
	"process-per-site": true,
	"disable-features": "Translate,BlinkGenPropertyTrees,SpareRendererForSitePerProcess,BackForwardCache",
	"js-flags":         "--no-opt,--no-maglev,--no-flush-bytecode",
}

// chromium starts the browser, once. The one without windows of its own (Chromium's
// "headless shell") comes first: it is the same engine, and needs a third less.
func chromium(t *testing.T) context.Context {
	t.Helper()
	path := program(t, "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
	started.Do(func() {
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.Flag("lang", "en"))
		for flag, value := range sparing {
			options = append(options, chromedp.Flag(flag, value))
		}
		if os.Geteuid() == 0 {
			options = append(options, chromedp.NoSandbox) // Chromium's own rule for root
		}
		allocator, _ := chromedp.NewExecAllocator(context.Background(), options...) // TestMain ends it
		browser, _ = chromedp.NewContext(allocator)
		failure = chromedp.Do(browser)
	})
	if failure != nil {
		t.Fatalf("Chromium does not start: %v", failure)
	}
	return browser
}

// program finds the first of these programs. A test without its programs proves
// nothing, so it fails.
func program(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatalf("%s is missing: `./test.sh setup` installs what the tests need, or names it", names[0])
	return ""
}

// tab is one person's browser, with cookies of its own.
type tab struct {
	*testing.T
	*stage
	*window
	lang   phrase.Lang
	status int // of the page shown
}

// window is a tab without a person. One that a test has left is used again,
// emptied, since a new one costs more than most pages.
type window struct {
	ctx   context.Context
	close context.CancelFunc

	mu       sync.Mutex
	requests []string
	said     []string // on the console: errors, warnings, refused content
	wasCut   bool     // a test has cut its connections: it may say so, also later
}

var (
	windows sync.Mutex
	idle    []*window
)

// tab opens a browser on the stage.
func (s *stage) tab(lang phrase.Lang) *tab {
	s.Helper()
	b := &tab{T: s.T, stage: s, window: vacant(s.T)}
	s.Cleanup(func() {
		if s.Failed() {
			b.close() // nobody knows what state it is in
			return
		}
		b.do(chromedp.Navigate("about:blank"), call(network.ClearBrowserCookies, cdp.Empty{}))
		windows.Lock()
		defer windows.Unlock()
		idle = append(idle, b.window)
	})
	b.speak(lang)
	b.look(desk, light)
	return b
}

// vacant is a window that nobody uses.
func vacant(t *testing.T) *window {
	t.Helper()
	windows.Lock()
	defer windows.Unlock()
	if n := len(idle); n > 0 {
		w := idle[n-1]
		idle = idle[:n-1]
		w.mu.Lock()
		defer w.mu.Unlock()
		w.requests, w.said, w.wasCut = nil, nil, false
		return w
	}
	w := &window{}
	w.ctx, w.close = chromedp.NewContext(chromium(t), chromedp.WithNewBrowserContext(), chromedp.WithListener(w.hear))
	if err := chromedp.Do(w.ctx, call(log.Enable, cdp.Empty{})); err != nil {
		t.Fatalf("open a window: %v", err)
	}
	return w
}

// speak chooses the language of the pages to come, as ?lang= does.
func (b *tab) speak(lang phrase.Lang) {
	b.Helper()
	b.lang = lang
	b.do(call(network.SetCookie, network.SetCookieParams{Name: "lang", Value: string(lang), URL: b.url}))
}

// call is a command of the protocol as a step.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

// hear keeps what the browser asks of the network and says on its console.
func (w *window) hear(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		w.requests = append(w.requests, e.Request.URL)
	case *runtime.EventConsoleAPICalled:
		w.said = append(w.said, fmt.Sprintf("console.%s", e.Type))
	case *runtime.EventExceptionThrown:
		w.said = append(w.said, "exception: "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		// Chromium notes every page whose status is not 200; those are tested by their status.
		refused := e.Entry.Source == log.EntrySourceNetwork && strings.Contains(e.Entry.Text, "the server responded with a status of") &&
			!strings.Contains(e.Entry.URL, "/static/")
		// What is only told (as that a field has the focus already) is nothing wrong.
		told := e.Entry.Level == log.EntryLevelVerbose || e.Entry.Level == log.EntryLevelInfo
		cut := w.wasCut && (strings.Contains(e.Entry.Text, "net::ERR_EMPTY_RESPONSE") || strings.Contains(e.Entry.Text, "net::ERR_CONNECTION_RESET"))
		if refused || told || cut {
			return
		}
		w.said = append(w.said, fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
	}
}

// noise is what the pages so far said on the console, and what they asked of
// other hosts.
func (b *tab) noise() (wrong []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, said := range b.said {
		wrong = append(wrong, "on the console: "+said)
	}
	if len(b.requests) == 0 {
		wrong = append(wrong, "no request was seen at all: the test is blind")
	}
	for _, request := range b.requests {
		if !strings.HasPrefix(request, b.url+"/") && request != "about:blank" {
			wrong = append(wrong, "a request went to "+request)
		}
	}
	return wrong
}

// quiet fails the test when there was any noise.
func (b *tab) quiet() { b.Helper(); b.none(b.noise()) }

// cutOff cuts the connections of a tab while it waits for what the page does then.
func (b *tab) cutOff(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	b.mu.Lock()
	b.wasCut = true
	b.mu.Unlock()
	b.cut.Store(true)
	defer b.cut.Store(false)
	b.do(steps...)
}

// none fails the test for each thing that is wrong.
func (b *tab) none(wrong []string) {
	b.Helper()
	for _, one := range wrong {
		b.Error(one)
	}
}

// within runs one action and answers its value.
func within[T any](b *tab, action chromedp.Action[T]) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		b.Fatalf("%v\nthe page (status %d):\n%s", err, b.status, b.shown())
	}
	return value
}

// shown is the page's text for a failed test, as far as there is one.
func (b *tab) shown() string {
	ctx, cancel := context.WithTimeout(b.ctx, time.Second)
	defer cancel()
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
	return text
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	within(b, chromedp.Steps(steps...))
}

// load does steps that lead to another page, and waits until it is there.
func (b *tab) load(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	answer := within(b, func(ctx context.Context, _ *chromedp.Target) (*network.Response, error) {
		return chromedp.RunResponse(ctx, steps...)
	})
	if answer == nil {
		b.Fatal("no page came")
	}
	b.status = int(answer.Status)
}

// open goes to a path.
func (b *tab) open(path string) { b.Helper(); b.load(chromedp.Navigate(b.url + path)) }

// press clicks what leads to another page.
func (b *tab) press(selector string) { b.Helper(); b.load(chromedp.Click(chromedp.CSS(selector))) }

// The one primary button of a page, and the one that has a code sent.
const (
	primary = "main .button:not(.quiet, .danger)"
	another = "main form .button.quiet:not([type=button])"
)

// focused waits until a field has the focus that the page gives it: the browser does so
// when it first draws the page, which may be after it has loaded.
func (b *tab) focused(id string) {
	b.Helper()
	b.do(chromedp.Poll[chromedp.Void](fmt.Sprintf("document.activeElement?.id === %q", id), chromedp.WithPollingTimeout(0)))
}

// fill types into fields, pairs of id and text, and sends the form.
func (b *tab) fill(pairs ...string) {
	b.Helper()
	for i := 0; i < len(pairs); i += 2 {
		b.do(chromedp.Focus(chromedp.ID(pairs[i])),
			chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.getElementById(%q).select()", pairs[i])),
			chromedp.SendKeys(chromedp.ID(pairs[i]), pairs[i+1]))
	}
	b.press(primary)
}

// path is where the tab is.
func (b *tab) path() string {
	b.Helper()
	u, err := url.Parse(within(b, chromedp.Location()))
	if err != nil {
		b.Fatal(err)
	}
	return u.Path
}

// text is what a reader sees.
func (b *tab) text() string {
	b.Helper()
	return within(b, chromedp.Evaluate[string]("document.body.innerText"))
}

// at fails the test unless the tab shows this path with this status.
func (b *tab) at(path string, status int) {
	b.Helper()
	if got := b.path(); got != path || b.status != status {
		b.Fatalf("at %s with status %d, wanted %s with %d:\n%s", got, b.status, path, status, b.text())
	}
}

// sees fails the test unless the page says all of it.
func (b *tab) sees(texts ...string) {
	b.Helper()
	shown := b.text()
	for _, text := range texts {
		if !strings.Contains(shown, text) {
			b.Fatalf("the page does not say %q:\n%s", text, shown)
		}
	}
}

// signIn types the address and the password.
func (b *tab) signIn(p *person) {
	b.Helper()
	door := "/signin"
	if p.operator {
		door = "/operator/signin"
	}
	b.open(door)
	b.at(door, http.StatusOK)
	b.fill("email", p.Email, "password", p.password)
}

// enter signs in with both steps.
func (b *tab) enter(p *person) {
	b.Helper()
	mails := b.sink.count(p.Email)
	b.signIn(p)
	b.at("/signin/code", http.StatusOK)
	if p.key != nil {
		b.fill("code", b.oath(p))
	} else {
		b.fill("code", b.sink.code(p.Email, mails))
	}
	b.at("/", http.StatusOK)
}

// scheme is light or dark.
type scheme string

const (
	light scheme = "light"
	dark  scheme = "dark"
)

// screen is how large a page is shown.
type screen struct {
	width, height int64
	scale         float64
}

var (
	desk   = screen{1280, 900, 1}
	phone  = screen{390, 844, 1}
	narrow = screen{320, 640, 1}
	zoomed = screen{640, 450, 2} // the desk at 200 %
)

// look changes the screen and the scheme. Nothing moves: what is measured stands.
func (b *tab) look(at screen, in scheme) {
	b.Helper()
	b.do(chromedp.EmulateViewport(at.width, at.height, chromedp.EmulateScale(at.scale)),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: string(in)}, {Name: "prefers-reduced-motion", Value: "reduce"}}}))
}

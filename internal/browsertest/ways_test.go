package browsertest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"nidan/internal/phrase"
)

func TestSetUpAndSignInWorkWithoutScript(t *testing.T) {
	t.Parallel()
	s := build(t)
	taro := s.person("Taro Abe")
	s.now(during)
	b := s.tab(phrase.Japanese)
	b.do(call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	t.Cleanup(func() {
		b.do(call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{}))
	})
	b.open("/signin")
	if shown := within(b, chromedp.Evaluate[int]("document.querySelectorAll('.secret button').length")); shown != 0 {
		t.Fatal("a script has run: this test is blind")
	}
	key := b.setUpApp(taro)
	b.press("header form button")
	s.later(30 * time.Second)
	b.fill("email", taro.Email, "password", taro.password)
	b.at("/signin/code", http.StatusOK)
	b.fill("code", b.oathOf(key))
	b.at("/", http.StatusOK)
	b.quiet()
}

// stop is where the focus is.
type stop struct {
	What    string
	Visible bool // it is drawn around what has it, and that is on the screen
}

func (b *tab) focus() (at stop) {
	b.Helper()
	b.read(&at, `(() => {
		const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
		return {
			what: e.id || e.textContent.trim(),
			visible: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 && r.width > 0 && r.top >= 0 && r.bottom <= innerHeight,
		};
	})()`)
	return at
}

// tabs presses Tab as often as it takes to pass these stops, each with its focus to be seen.
func (b *tab) tabs(key string, stops ...string) {
	b.Helper()
	for _, want := range stops {
		b.do(chromedp.KeyEvent(key))
		if at := b.focus(); !strings.Contains(at.What, want) || !at.Visible {
			b.Fatalf("the focus is at %q, visible %t; wanted %q", at.What, at.Visible, want)
		}
	}
}

func TestSignInWorksByKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := build(t)
	taro := s.person("Taro Abe", withApp)
	s.now(during)
	b := s.tab(phrase.English)
	b.open("/signin")
	b.focused("email")
	if at := b.focus(); at.What != "email" || !at.Visible {
		t.Fatalf("the page begins at %+v", at)
	}
	b.do(chromedp.KeyEvent(taro.Email))
	b.tabs(kb.Tab, "password")
	b.do(chromedp.KeyEvent(taro.password))
	b.tabs(kb.Tab, "Show", "Sign in")
	b.load(chromedp.KeyEvent(kb.Enter))
	b.at("/signin/code", http.StatusOK)
	b.focused("code")
	b.do(chromedp.KeyEvent(b.oath(taro)))
	b.load(chromedp.KeyEvent(kb.Enter)) // in the field: the form is sent
	b.at("/", http.StatusOK)

	b.tabs(kb.Tab, "Skip", "Business Portal", "Sign out", "日本語", "Dashboard", "Tickets", "Notices", "Profile", "Sessions") // as it is seen: the navigation has a line of its own
	b.open("/profile")
	b.tabs(kb.Tab, "Skip")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.tabs(kb.Tab, "Change the address", "Change your password") // the first links behind the frame
	b.load(chromedp.KeyEvent(kb.Enter))
	b.at("/profile/password", http.StatusOK)
	b.quiet()
}

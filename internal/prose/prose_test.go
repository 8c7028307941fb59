package prose

import (
	"strings"
	"testing"
)

func shown(t testing.TB, text string) string {
	t.Helper()
	out, err := HTML(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestWhatIsWrittenIsShown(t *testing.T) {
	for text, want := range map[string]string{
		"**二段階認証**の設定":              "<p><strong>二段階認証</strong>の設定</p>",
		"# Big\n\n## Less":          "<h3>Big</h3>\n<h4>Less</h4>",
		"one\ntwo":                  "<p>one<br>\ntwo</p>",
		"- a\n- b":                  "<ul>\n<li>a</li>\n<li>b</li>\n</ul>",
		"[us](https://a.example/x)": `<p><a href="https://a.example/x" rel="nofollow noreferrer">us</a></p>`,
		"a < b & c":                 "<p>a &lt; b &amp; c</p>",
	} {
		if got := strings.TrimSpace(shown(t, text)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// attacks are texts that would do something in a browser.
var attacks = []string{
	"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "![x](https://a.example/spy.png)", "[x](javascript:alert(1))",
	"[x](JaVaScRiPt&colon;alert(1))", "<a href='data:text/html,x'>x</a>", "[x](vbscript:x)", "<svg onload=alert(1)>", "<style>*{display:none}</style>",
	"<iframe src=//a.example></iframe>", "<p style='position:fixed'>x</p>", "<form action=/signout method=post><button>x</button></form>",
	"[x](//a.example)", "[x](/signout)", "<math><mi xlink:href=javascript:alert(1)>", "<p id=main class=wrap>x</p>", "`<script>`", "<https://a.example/\"onclick=alert(1)>",
}

func harmful(out string) string {
	for _, sign := range []string{"<script", "<img", "<svg", "<style", "<iframe", "<form", "<button", " on", "style=", "class=", "id=", "href=\"/", "href=\"j", "href=\"J", "href=\"d", "href=\"v", "src="} {
		if inTag(out, sign) {
			return sign
		}
	}
	return ""
}

// inTag looks for a sign inside tags alone: what stands as text does nothing.
func inTag(out, sign string) bool {
	for _, piece := range strings.Split(out, "<")[1:] {
		tag, _, _ := strings.Cut("<"+piece, ">")
		if strings.Contains(strings.ToLower(tag), strings.ToLower(sign)) {
			return true
		}
	}
	return false
}

func TestNothingThatIsWrittenDoesAnything(t *testing.T) {
	for _, text := range attacks {
		if out := shown(t, text); harmful(out) != "" {
			t.Errorf("%q holds %q: %s", text, harmful(out), out)
		}
	}
}

func FuzzNothingThatIsWrittenDoesAnything(f *testing.F) {
	for _, text := range attacks {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if out := shown(t, text); harmful(out) != "" {
			t.Errorf("%q holds %q: %s", text, harmful(out), out)
		}
	})
}

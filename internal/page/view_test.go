package page_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/phrase"
)

func TestTheLanguageIsAskedForThenRememberedThenTheBrowsers(t *testing.T) {
	for name, one := range map[string]struct {
		query, cookie, header string
		want                  phrase.Lang
	}{
		"nothing known":                  {"", "", "", "en"},
		"the browser's":                  {"", "", "ja,en;q=0.8", "ja"},
		"the browser's second":           {"", "", "fr,ja;q=0.5", "ja"},
		"a region":                       {"", "", "ja-JP", "ja"},
		"none of ours":                   {"", "", "fr,de", "en"},
		"broken header":                  {"", "", "!!", "en"},
		"oversized header":               {"", "", strings.Repeat("ja,", 100), "en"},
		"the cookie beats the browser":   {"", "en", "ja", "en"},
		"the query beats the cookie":     {"lang=ja", "en", "en", "ja"},
		"an unknown query falls through": {"lang=xx", "ja", "en", "ja"},
		"an unknown cookie too":          {"", "xx", "ja", "ja"},
		"another field ending in lang":   {"mylang=ja", "", "", "en"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/?"+one.query, nil)
			if one.cookie != "" {
				r.AddCookie(&http.Cookie{Name: "lang", Value: one.cookie})
			}
			if one.header != "" {
				r.Header.Set("Accept-Language", one.header)
			}
			if got := page.Lang(r); got != one.want {
				t.Errorf("got %s, want %s", got, one.want)
			}
		})
	}
}

func TestOnlyAskingForALanguageSetsItsCookie(t *testing.T) {
	one := scenes()[0]
	if cookies := show(t, one, phrase.Japanese).Result().Cookies(); len(cookies) != 1 || cookies[0].Value != "ja" || !cookies[0].HttpOnly {
		t.Errorf("cookies %v", cookies)
	}
	s := site(t, false)
	w := httptest.NewRecorder()
	s.Fail(w, httptest.NewRequest(http.MethodGet, "/", nil), fault.New(fault.NotFound, "page.internal"))
	if cookies := w.Result().Cookies(); len(cookies) != 0 {
		t.Errorf("a plain visit set %v", cookies)
	}
}

func named(t *testing.T, name string, lang phrase.Lang) string {
	t.Helper()
	for _, one := range scenes() {
		if one.name == name {
			return show(t, one, lang).Body.String()
		}
	}
	t.Fatalf("there is no scene %q", name)
	return ""
}

func holds(t *testing.T, html string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(html, part) {
			t.Errorf("the page lacks %s", part)
		}
	}
}

func lacks(t *testing.T, html string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(html, part) {
			t.Errorf("the page has %s", part)
		}
	}
}

func TestAFormWithFaultsSaysSoInTitleSummaryAndField(t *testing.T) {
	html := named(t, "signin-wrong", phrase.English)
	holds(t, html, "<title>Error: Sign in to Nidan · Nidan</title>", `role="alert"`, `<a href="#password">`,
		`aria-invalid="true"`, `aria-describedby="password-wrong"`, `id="password-wrong"`, `value="hanako@example.com"`)
	if strings.Count(html, " autofocus") != 1 {
		t.Error("more than one place asks for the focus")
	}
	lacks(t, named(t, "signin", phrase.English), `role="alert"`, "aria-invalid", "Error:")
}

func TestAWrongCodeKeepsTheFocusInItsField(t *testing.T) {
	html := named(t, "code-wrong", phrase.English)
	if strings.Count(html, " autofocus") != 1 || !strings.Contains(html[strings.Index(html, `name="code"`):], " autofocus") {
		t.Error("the focus is not in the code field")
	}
	holds(t, html, `aria-describedby="code-hint code-wrong"`, `autocomplete="one-time-code"`, `inputmode="numeric"`)
}

func TestTheFrameShowsOnlyWhatTheVisitorMayUse(t *testing.T) {
	stranger := named(t, "guide", phrase.English)
	lacks(t, stranger, "/signout", "/profile", "/sessions", "/demo/")
	pending := named(t, "code", phrase.English)
	holds(t, pending, `action="/signout"`)
	lacks(t, pending, `href="/profile"`, "<nav", "Hanako Sato", "Aozora Trading") // a password alone shows whose it is to nobody
	person := named(t, "delete", phrase.English)
	holds(t, person, `href="/profile"`, `<a href="/" aria-current="page">`, `action="/signout"`, "Aozora Trading")
	operator := show(t, scene{name: "operator", page: "guide", title: "For operators", chrome: page.Chrome{Name: "Operator One", Operator: true}}, phrase.English).Body.String()
	holds(t, operator, "Operator One", `href="/profile"`, `href="/operator/rollouts"`, `action="/signout"`)
	lacks(t, operator, `href="/accounts"`)
	lacks(t, person, "/operator/")
	user := show(t, scene{name: "user", page: "guide", title: "For people", chrome: page.Chrome{Name: "Taro Abe"}}, phrase.English).Body.String()
	holds(t, user, `href="/sessions"`)
	lacks(t, user, `href="/accounts"`, `href="/progress"`, "/operator/")
	holds(t, named(t, "signin", phrase.English), "/demo/mailbox", "/demo/authenticator", "/demo/clock")
}

func TestEachLanguageOffersTheOther(t *testing.T) {
	holds(t, named(t, "guide", phrase.English), `<a href="/?lang=ja" hreflang="ja" lang="ja">日本語</a>`)
	holds(t, named(t, "guide", phrase.Japanese), `<a href="/?lang=en" hreflang="en" lang="en">English</a>`)
}

func TestTheStairNamesTheStepInWords(t *testing.T) {
	holds(t, named(t, "signin", phrase.English), `<li class="now" aria-current="step">First verification</li>`)
	holds(t, named(t, "code", phrase.Japanese), `<li class="done">一段階目の認証 <span class="unseen">（完了）</span></li>`, `aria-current="step">二段階目の認証</li>`)
	lacks(t, named(t, "guide", phrase.English), `class="stair"`)
	done := show(t, scene{page: "guide", title: "It is set up", view: showing{View: page.View{Stair: 3}}}, phrase.English).Body.String()
	holds(t, done, `<li class="done">Second verification <span class="unseen">(done)</span></li>`)
	lacks(t, done, `aria-current="step"`)
}

func TestTheEndIsNotToldTwice(t *testing.T) {
	for stair, path := range []string{"/", "/profile"} { // the dashboard, and a page of the set-up
		view := &page.View{Path: path, Stair: stair * 2, Chrome: withBanners(page.Chrome{}, "soon", "ends")}
		if kept := view.Banners(); len(kept) != 1 || kept[0].Kind != "soon" {
			t.Errorf("%s, stair %d: %d banners", path, view.Stair, len(kept))
		}
	}
	view := &page.View{Path: "/profile", Chrome: withBanners(page.Chrome{}, "soon", "ends")}
	if len(view.Banners()) != 2 {
		t.Error("the end is told nowhere else")
	}
}

func TestWhatWasTypedIsTextNeverMarkup(t *testing.T) {
	html := show(t, scene{page: "signin", title: "<b>Sign in</b> now", chrome: page.Chrome{Name: "<script>x</script>"},
		view: showing{Email: `"><script>x</script>`}}, phrase.English).Body.String()
	lacks(t, html, "<script>x", "<b>Sign in")
}

func TestAnErrorPageSaysWhatHappenedWhenToReturnAndTheWayBack(t *testing.T) {
	holds(t, named(t, "error-429", phrase.English), "<h1>Please wait a little</h1>", "25 Apr 2018, 00:00 JST", "Go to the sign-in page")
	holds(t, named(t, "error-404", phrase.Japanese), "<h1>ページが見つかりません</h1>", "ダッシュボードに戻る")
	closed := named(t, "error-503", phrase.English)
	holds(t, closed, "25 Apr 2018, 00:00 JST", "opens again by itself")
	lacks(t, closed, "Go to the sign-in page")
}

func TestAPageThatReloadsItselfSaysSoInItsHead(t *testing.T) {
	one := scenes()[0]
	one.view.Refresh = 30
	holds(t, show(t, one, phrase.English).Body.String(), `<meta http-equiv="refresh" content="30">`)
	lacks(t, named(t, "guide", phrase.English), "http-equiv")
	one.view.Refresh, one.view.LookAgain = 0, 5 // something goes on: not unasked
	lacks(t, show(t, one, phrase.English).Body.String(), "http-equiv")
}

func TestAnAssetIsServedUnderItsDigestForEver(t *testing.T) {
	s := site(t, false)
	mux := http.NewServeMux()
	for _, one := range s.Routes() {
		mux.HandleFunc(one.Pattern, one.Serve)
	}
	html := named(t, "guide", phrase.English)
	for _, path := range hashed.FindAllString(html, -1) {
		ext, _, _ := strings.Cut(html[strings.Index(html, path)+len(path):], `"`)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path+ext, nil))
		if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s%s: status %d, %v", path, ext, w.Code, w.Header())
		}
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/static/app.css", nil))
	if w.Code != 404 {
		t.Errorf("a name without its digest: status %d", w.Code)
	}
}

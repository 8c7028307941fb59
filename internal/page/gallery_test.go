package page_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/store"
)

// scene is one state of one page, as the gallery shows it.
type scene struct {
	name, page, title, titleJA string
	chrome                     page.Chrome
	demo                       bool
	status                     int
	err                        error
	view                       showing
}

// showing is the view of the gallery's pages.
type showing struct {
	page.View
	Email   string
	When    time.Time
	Options []page.Option
	Rows    []row
	Opens   page.When
	Closes  page.When
}

type row struct{ Name, Email, Method, State, Class, Count string }

// Say is the text in the view's language: the gallery has no phrases of its own.
func (s *showing) Say(en, ja string) string {
	if s.Lang == phrase.Japanese {
		return ja
	}
	return en
}

var (
	end    = time.Date(2018, 4, 24, 15, 0, 0, 0, time.UTC)
	tokyo  = time.FixedZone("JST", 9*60*60)
	hanako = page.Chrome{Name: "Hanako Sato 佐藤花子", Where: "Aozora Trading 青空商事"}
)

func withBanners(c page.Chrome, kinds ...string) page.Chrome {
	for _, kind := range kinds {
		c.Banners = append(c.Banners, page.Banner{Kind: kind, Link: "/", Name: "page.nav_dashboard", Text: func(say page.Speaker) string {
			if say.Lang == phrase.Japanese {
				return map[string]string{"soon": "メンテナンスのためサインインできません: ", "ends": "二段階認証の設定期限: "}[kind] + say.End(end) + "。"
			}
			return map[string]string{"soon": "Nobody can sign in during the maintenance window: ", "ends": "Set up 2-step verification by "}[kind] + say.End(end) + "."
		}})
	}
	return c
}

func wrong(faults ...*fault.Fault) page.View { return page.View{Faults: faults, Stair: 1} }

var methods = []page.Option{
	{Value: "totp", Label: "TOTP", Hint: "An authenticator app on a smartphone or tablet shows a code that changes every 30 seconds.", Checked: true},
	{Value: "mailotp", Label: "MailOTP", Hint: "A code is mailed to hanako@example.com at each sign-in."},
}

func scenes() []scene {
	pending := hanako
	pending.Pending = true
	return []scene{
		{name: "signin", page: "signin", title: "Sign in to Nidan", titleJA: "サインイン", demo: true, view: showing{View: page.View{Stair: 1}}},
		{name: "signin-wrong", page: "signin", title: "Sign in to Nidan", titleJA: "サインイン", status: 422, chrome: withBanners(page.Chrome{}, "soon"),
			view: showing{Email: "hanako@example.com", View: wrong(fault.Field("", "page.form_broken"), fault.Field("password", "page.field_long", "n", 1000))}},
		{name: "code", page: "code", title: "Enter your verification code", titleJA: "認証コードを入力してください", chrome: pending, view: showing{View: page.View{Stair: 2}}},
		{name: "code-wrong", page: "code", title: "Enter your verification code", titleJA: "認証コードを入力してください", chrome: pending, status: 422,
			view: showing{View: page.View{Stair: 2, Faults: []*fault.Fault{fault.Field("code", "page.code_shape", "n", 6)}}}},
		{name: "method", page: "method", title: "Choose your second verification", titleJA: "二段階目の認証を選ぶ", chrome: hanako, view: showing{View: page.View{Stair: 2}, Options: methods}},
		{name: "method-wrong", page: "method", title: "Choose your second verification", titleJA: "二段階目の認証を選ぶ", chrome: hanako, status: 422,
			view: showing{View: wrong(fault.Field("method", "page.form_broken")), Options: methods}},
		{name: "totp", page: "totp", title: "Set up your authenticator app", titleJA: "認証アプリを設定する", chrome: hanako, view: showing{View: page.View{Stair: 2}}},
		{name: "dashboard", page: "dashboard", title: "Dashboard", titleJA: "ダッシュボード", demo: true, chrome: withBanners(hanako, "soon", "ends"),
			view: showing{View: page.View{Notice: "Saved. Hanako Sato signs in with MailOTP from the next sign-in on. We have told her by mail."}, When: end, Rows: []row{
				{"Akiko Suzuki", "akiko.suzuki@example.com", "TOTP", "Enrolled", "done", "1,204"},
				{"Hanako Sato", "hanako@example.com", "MailOTP", "Told", "wait", "61"},
				{"Ken Ito", "ken.ito.of.a.rather.long.department@example.com", "TOTP", "Not started", "", "0"},
				{"Taro Abe", "taro.abe@example.com", "TOTP", "Suspended", "ends", "17"},
			}}},
		{name: "form", page: "form", title: "New ticket", titleJA: "新しいチケット", chrome: hanako, view: showing{Options: methods, Opens: page.WhenAt(end, tokyo), Closes: page.When{Zone: tokyo}}},
		{name: "form-wrong", page: "form", title: "New ticket", titleJA: "新しいチケット", chrome: hanako, status: 422, view: showing{Options: methods, Email: "Where is my code",
			Opens: page.When{Typed: "2018-10-28 02:30", Zone: tokyo, Twice: []time.Time{end, end.Add(time.Hour)}}, Closes: page.When{Typed: "later", Zone: tokyo},
			View: page.View{Faults: []*fault.Fault{fault.Field("opens_which", "page.time_twice"), fault.Field("closes", "page.time_unread"), fault.Field("category", "page.form_broken"), fault.Field("detail", "page.field_long", "n", 1000), fault.Field("copy", "page.form_broken")}}}},
		{name: "delete", page: "delete", title: "Delete Taro Abe?", titleJA: "阿部太郎さんを削除しますか", chrome: hanako, view: showing{When: end}},
		{name: "guide", page: "guide", title: "Set up 2-step verification", titleJA: "二段階認証の設定", view: showing{}},
		{name: "error-404", err: fault.New(fault.NotFound, "page.form_media"), chrome: hanako},
		{name: "error-403", err: fault.New(fault.Refused, "page.form_media"), chrome: hanako},
		{name: "error-429", err: fault.Wait(end, "page.form_large")},
		{name: "error-503", err: &fault.Fault{Kind: fault.Closed, Phrase: "page.form_media", Until: end}},
		{name: "error-500", err: fmt.Errorf("the disk is full")},
		{name: "error-busy", err: store.ErrBusy, chrome: hanako},
		{name: "error-unsure", err: store.ErrUnsure, chrome: hanako},
	}
}

func book(t *testing.T) *phrase.Book {
	t.Helper()
	b, err := phrase.NewBook(page.Words, phrase.Words)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func site(t *testing.T, demo bool) *page.Site {
	t.Helper()
	s, err := page.New(book(t), slog.New(slog.DiscardHandler), page.Options{
		Name: "Nidan", House: tokyo, Contact: "help@example.com", Hours: "9:00 to 17:30 JST", Demo: demo,
		Now: func() time.Time { return end.Add(-time.Hour) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// show renders a scene through the real layout.
func show(t *testing.T, one scene, lang phrase.Lang) *httptest.ResponseRecorder {
	t.Helper()
	s := site(t, one.demo)
	room, err := s.Room(os.DirFS("testdata"))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/?lang="+string(lang), nil)
	r = r.WithContext(page.WithChrome(r.Context(), one.chrome))
	w := httptest.NewRecorder()
	if one.err != nil {
		s.Fail(w, r, one.err)
		return w
	}
	title := one.title
	if lang == phrase.Japanese {
		title = one.titleJA
	}
	view := one.view
	if err := room.Show(w, r, max(one.status, 200), one.page, title, &view); err != nil {
		t.Fatalf("%s in %s: %v", one.name, lang, err)
	}
	return w
}

// With NIDAN_GALLERY=FOLDER the pages are left there, to be looked at in a browser.
func TestEveryPartAndStateRendersInBothLanguages(t *testing.T) {
	folder := os.Getenv("NIDAN_GALLERY")
	for _, one := range scenes() {
		for _, lang := range phrase.Langs {
			t.Run(one.name+" "+string(lang), func(t *testing.T) {
				html := show(t, one, lang).Body.String()
				for _, bad := range []string{"<no value>", "%!", "ZgotmplZ", "[page."} {
					if strings.Contains(html, bad) {
						t.Errorf("the page contains %q", bad)
					}
				}
				for _, good := range []string{`<html lang="` + string(lang) + `">`, "<h1>", `id="main"`, "</html>"} {
					if !strings.Contains(html, good) {
						t.Errorf("the page lacks %q", good)
					}
				}
				if folder == "" {
					return
				}
				file := filepath.Join(folder, one.name+"."+string(lang)+".html")
				if err := os.WriteFile(file, []byte(standing(html)), 0o644); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

var hashed = regexp.MustCompile(`/static/(\w+)\.[0-9a-f]{12}\.`)

// standing makes a page find its assets without a server.
func standing(html string) string {
	here, _ := filepath.Abs("static") // fails only where there is no working folder
	return hashed.ReplaceAllString(html, "file://"+here+"/$1.")
}

package guide

import (
	"bytes"
	"context"
	"html"
	"image/png"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"nidan/internal/announcement"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/rollout"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

var (
	opens = time.Date(2018, 3, 3, 15, 0, 0, 0, time.UTC)
	ends  = time.Date(2018, 4, 24, 15, 0, 0, 0, time.UTC)
)

// room is the guides on a database with the rollout of 2018, in its period.
func room(t *testing.T, planned bool) (*Room, storetest.World) {
	t.Helper()
	w := storetest.Open(t, filepath.Join(t.TempDir(), "nidan.db"))
	// The guides say the words of rooms above, whose buttons they speak of.
	book, err := phrase.NewBook(phrase.Words, page.Words, announcement.Words, Words,
		os.DirFS("../home"), os.DirFS("../pass"), os.DirFS("../signin"), os.DirFS("../setup"))
	if err != nil {
		t.Fatal(err)
	}
	site, err := page.New(book, slog.New(slog.DiscardHandler), page.Options{Name: "Business Portal", House: phrase.Location("Asia/Tokyo"),
		Contact: "help@portal.example", Hours: "9:00–17:30 JST", Now: w.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	told, err := announcement.New(announcement.Needs{DB: w.DB, Site: site})
	if err != nil {
		t.Fatal(err)
	}
	rm, err := New(Needs{Site: site, Announcement: told})
	if err != nil {
		t.Fatal(err)
	}
	if planned {
		err = w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := rollout.Save(ctx, tx, rollout.Plan{Opens: opens, Ends: ends, Zone: "Asia/Tokyo"}, "olga")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return rm, w
}

func get(rm *Room, address string) *httptest.ResponseRecorder {
	mux := http.NewServeMux()
	for _, rt := range rm.Routes() {
		mux.HandleFunc(rt.Pattern, rt.Serve)
	}
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, address, nil))
	return answer
}

var tag = regexp.MustCompile(`<[^>]+>`)

func TestEveryGuideSaysItsPolicyAndLeadsToTheOthers(t *testing.T) {
	rm, w := room(t, true)
	for _, stage := range []struct {
		at     time.Time
		en, ja string
	}{
		{storetest.Start, "Set up 2-step verification by 24 Apr 2018, 24:00 JST (15:00 UTC).", "2018年4月24日(火) 24:00 JST (15:00 UTC) までに二段階認証を設定してください。"},
		{ends, "1-step sign-in ended on 24 Apr 2018, 24:00 JST (15:00 UTC).", "一段階でのサインインは 2018年4月24日(火) 24:00 JST (15:00 UTC) に終了しました。"},
	} {
		w.Clock.Set(stage.at)
		for _, lang := range phrase.Langs {
			for _, name := range Names {
				answer := get(rm, name.Path()+"?lang="+string(lang))
				_, markup, _ := strings.Cut(answer.Body.String(), "<main")
				text := html.UnescapeString(tag.ReplaceAllString(markup, " "))
				if answer.Code != http.StatusOK || regexp.MustCompile(`\[[a-z]+\.|\{[a-z]+\}`).MatchString(text) {
					t.Errorf("%s in %s: %d\n%s", name, lang, answer.Code, text)
				}
				want := stage.en
				if lang == phrase.Japanese {
					want = stage.ja
				}
				if dated := name == PortalAdmin || name == GeneralUser; dated && !strings.Contains(text, want) {
					t.Errorf("%s in %s at %v lacks %q", name, lang, stage.at, want)
				}
				for _, part := range []string{"help@portal.example", "9:00–17:30 JST"} {
					if !strings.Contains(text, part) {
						t.Errorf("%s in %s lacks %q", name, lang, part)
					}
				}
				for _, other := range Names {
					if other != name && !strings.Contains(markup, `href="`+other.Path()+`"`) {
						t.Errorf("%s in %s does not lead to %s", name, lang, other)
					}
				}
			}
		}
	}
}

func TestThePortalAdminsGuideTellsHowAUserIsChangedToMailOTPAndWhatThatIsWorth(t *testing.T) {
	rm, _ := room(t, true)
	for lang, parts := range map[string][]string{
		"en": {`id="change-to-mailotp"`, "MailOTP is 2-step verification, but weaker than an app", "whoever reads the mailbox reads the codes", "AAL2"},
		"ja": {`id="change-to-mailotp"`, "MailOTPも二段階認証ですが、アプリより弱い方法です", "メールを読める人はコードも読めます", "AAL2"},
	} {
		markup := get(rm, "/guide/portal-admin?lang="+lang).Body.String()
		for _, part := range parts {
			if !strings.Contains(markup, part) {
				t.Errorf("%s: lacks %q", lang, part)
			}
		}
	}
	if section := PortalAdmin.Path() + "#" + changeToMailOTP; section != announcement.GuideMailOTP {
		t.Errorf("the announcement leads to %s", announcement.GuideMailOTP)
	}
	for _, path := range []string{announcement.GuideAdmin, announcement.GuideUser, announcement.GuideApps, announcement.GuideTickets} {
		if !slices.Contains(Names, Name(strings.TrimPrefix(path, "/guide/"))) {
			t.Errorf("the announcement leads to %s", path)
		}
	}
}

func TestAGuideSaysWhatThePortalDoesNotHaveYet(t *testing.T) {
	rm, _ := room(t, true)
	missing := map[Name]string{PortalAdmin: "is not part of this version of the portal yet", Tickets: "are not part of this version of the portal yet"}
	for name, words := range missing {
		if markup := get(rm, name.Path()).Body.String(); !strings.Contains(markup, words) {
			t.Errorf("%s lacks %q", name, words)
		}
	}
	rm.Ready = Ready{Accounts: true, Tickets: true}
	for name, words := range missing {
		if markup := get(rm, name.Path()).Body.String(); strings.Contains(markup, words) {
			t.Errorf("%s says %q of a page that is there", name, words)
		}
	}
}

func TestAfterTheEndTheWayToTheSetUpIsAPass(t *testing.T) {
	rm, w := room(t, true)
	for _, stage := range []struct {
		at        time.Time
		has, lack string
	}{{ends.Add(-time.Second), "Start on the dashboard", "Use the pass"}, {ends, "Use the pass", "Start on the dashboard"}} {
		w.Clock.Set(stage.at)
		for _, name := range []Name{PortalAdmin, GeneralUser} {
			if markup := get(rm, name.Path()).Body.String(); !strings.Contains(markup, stage.has) || strings.Contains(markup, stage.lack) {
				t.Errorf("%s at %v has not %q, or has %q", name, stage.at, stage.has, stage.lack)
			}
		}
	}
}

func TestWithoutARolloutAGuideNamesNoDate(t *testing.T) {
	rm, _ := room(t, false)
	for _, name := range Names {
		markup := get(rm, name.Path()).Body.String()
		if strings.Contains(markup, "UTC") || strings.Contains(markup, "0001") {
			t.Errorf("%s names a date:\n%s", name, markup)
		}
	}
}

func TestEveryPictureIsSmallAndThereInBothLanguages(t *testing.T) {
	rm, _ := room(t, false)
	if lacking, err := rm.Lacking(); err != nil || len(lacking) > 0 {
		t.Errorf("%q are not made: see doc.go; %v", lacking, err)
	}
	all, err := rm.pictures()
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(pictureFiles, "pictures/*.png")
	if err != nil || len(names) != len(Pictured)*len(phrase.Langs) {
		t.Errorf("%d pictures, %v", len(names), err)
	}
	for _, name := range names {
		body, err := pictureFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(body) > 60<<10 {
			t.Errorf("%s has %d bytes", name, len(body))
		}
		short := strings.TrimSuffix(filepath.Base(name), ".png")
		answer := get(rm, all.byName[short].Path)
		if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != "image/png" || !bytes.Equal(answer.Body.Bytes(), body) {
			t.Errorf("%s is served with %d as %q", short, answer.Code, answer.Header().Get("Content-Type"))
		}
		if size, err := png.DecodeConfig(bytes.NewReader(body)); err != nil || size.Width != 260*density {
			t.Errorf("%s is %d pixels wide, %v", short, size.Width, err)
		}
	}
	if answer := get(rm, "/guide/pictures/other.png"); answer.Code != http.StatusNotFound {
		t.Errorf("an unknown picture answers %d", answer.Code)
	}
}

// A picture that nothing describes is nothing to who cannot see it.
func TestEachPictureIsDescribedInBothLanguages(t *testing.T) {
	book, err := phrase.NewBook(Words)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Pictured {
		if !book.Has("guide.picture_" + name) {
			t.Errorf("nothing describes the picture %q", name)
		}
	}
}

package browsertest

import (
	"net/http"
	"strings"
	"testing"

	"nidan/internal/phrase"
)

// One portal for all pages of notices: what one page does the next one shows.
func TestThePagesOfNoticesAreWholeInBothLanguages(t *testing.T) {
	t.Parallel()
	b := build(t).tab(phrase.English)
	b.enter(b.staff())
	examine := func(name string, status int, posted bool) {
		b.Helper()
		b.examine(scene{name: name, status: status, posted: posted, mixed: true})
	}
	for _, lang := range phrase.Langs {
		b.speak(lang)
		if lang == phrase.English {
			b.open("/operator/notices")
			examine("notices-none", http.StatusOK, false)
		}
		b.open("/operator/notices/new")
		examine("notice-new", http.StatusOK, false)
		b.fill("title_en", "", "text_en", "x", "title_ja", "件名", "text_ja", "本文")
		examine("notice-wrong", http.StatusUnprocessableEntity, true)
		b.fill("title_en", "New hours of the help desk", "text_en", "From **April** on we answer:\n\n- by ticket, at any time\n- by mail, from 9:00\n\n| day | hours |\n| --- | --- |\n| Monday | 9:00 to 17:30 |",
			"title_ja", "受付時間の変更", "text_ja", "**4月**から次のとおりお答えします。\n\n- チケット: 終日\n- メール: 9時から")
		examine("notice-preview", http.StatusOK, true)
		b.press(primary)
		b.at(b.path(), http.StatusOK)
		examine("notice-card", http.StatusOK, false)
		id := b.path()[strings.LastIndexByte(b.path(), '/')+1:]
		b.open("/operator/notices/" + id + "/withdraw")
		examine("notice-withdraw", http.StatusOK, false)
		b.open("/operator/notices")
		examine("notices-operator", http.StatusOK, false)
		b.open("/notices")
		examine("notices", http.StatusOK, false)
		b.open("/notices/" + id)
		examine("notice", http.StatusOK, false)
		b.open("/")
		examine("dashboard-operator", http.StatusOK, false)
	}
}

package reminder

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/progress"
	"nidan/internal/rollout"
	"nidan/internal/store/storetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what was said before: see the diff after -update\n%s", name, got)
	}
}

// of2018 is the plan of product.md, section 1.
func of2018() rollout.Plan {
	return rollout.Plan{ID: "2018", Zone: "Asia/Tokyo", Reminders: rollout.Usual, Version: 1,
		Opens: time.Date(2018, 3, 3, 15, 0, 0, 0, time.UTC), Ends: time.Date(2018, 4, 24, 15, 0, 0, 0, time.UTC),
		Planned: time.Date(2018, 2, 1, 0, 0, 0, 0, time.UTC),
		Message: rollout.Message{English: "Our branch in Osaka helps at the counter, too.", Japanese: "大阪支店の窓口でもご案内しています。"}}
}

var (
	address = regexp.MustCompile(`(?i)\b(?:https?|mailto|ftp)\b:|www\.|href`)
	hosts   = regexp.MustCompile(`[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/[a-z0-9/-]*)?`)
	unsaid  = regexp.MustCompile(`\[[a-z]+\.[a-z_.]+\]|\{[a-z_]+\}|%!`)
)

// spoken are all addresses that a letter may hold.
var spoken = map[string]bool{"portal.example": true, "portal.example/announcement": true,
	"portal.example/guide/general-user": true, "portal.example/guide/portal-admin": true}

func TestNoLetterHoldsALinkAndEachSaysWhatByWhenAndHow(t *testing.T) {
	w := storetest.Open(t, filepath.Join(t.TempDir(), "nidan.db"))
	s := open(t, w)
	plan := of2018()
	p := planned{book: rollout.Book{Plans: []rollout.Plan{plan}},
		versions: map[string][]rollout.Version{plan.ID: {{Plan: plan, What: "planned", Saved: plan.Planned}}}}
	opens := time.Date(2018, 3, 3, 20, 0, 0, 0, time.UTC)
	var all strings.Builder
	for _, what := range []What{Announcement, Opening, DaysBefore(28), DaysBefore(1), Moved.On(opens), Asked.On(opens)} {
		for _, lang := range phrase.Langs {
			for _, who := range []account.Authority{account.GeneralUser, account.PortalAdmin} {
				for _, method := range []account.Method{account.TOTP, account.MailOTP} {
					o := rollout.Open{Ref: account.Ref{Organization: "o", ID: "p"}, Name: "佐藤 花子", Email: "hanako@example.jp",
						Authority: who, Method: method, Language: lang, Zone: "Europe/Berlin"}
					l := s.room.Desk.pen(p, plan, opens, w.Clock.Now()).write(what, o, plan.Ends, progress.Figures{Accounts: 40, TOTP: 12}, plan.Ends)
					text := l.Subject + "\n\n" + l.Text
					if what != Announcement { // whose words are another room's
						fmt.Fprintf(&all, "=== %s, %s, %s, %s\n%s\n\n", what, lang, who, method, text)
					}
					end := phrase.Zones{House: tokyo, Reader: phrase.Location("Europe/Berlin")}.End(lang, plan.Ends)
					for where, in := range map[string]string{"subject": l.Subject, "text": l.Text} {
						if !strings.Contains(in, end) {
							t.Errorf("%s %s: the %s does not say by when", what, lang, where)
						}
					}
					if strings.Contains(text, "/signin") || address.MatchString(text) || unsaid.MatchString(text) {
						t.Errorf("%s %s: %s", what, lang, text)
					}
					for _, host := range hosts.FindAllString(strings.ReplaceAll(text, "help@portal.example", ""), -1) {
						if !spoken[strings.TrimRight(host, "./")] {
							t.Errorf("%s %s names %q", what, lang, host)
						}
					}
					for _, must := range []string{"portal.example", "/announcement", "help@portal.example", "9:00", plan.Message.In(lang), "佐藤 花子"} {
						if !strings.Contains(text, must) {
							t.Errorf("%s %s does not say %q", what, lang, must)
						}
					}
					if strings.Contains(text, "28") != (who == account.PortalAdmin) {
						t.Errorf("%s %s %s: who else is open is a Portal Admin's to know", what, lang, who)
					}
				}
			}
		}
	}
	golden(t, "letters.golden", all.String())
}

func TestAHostIsWrittenAsPeopleTypeIt(t *testing.T) {
	for base, want := range map[string]string{"https://portal.example": "portal.example", "http://localhost:8080": "localhost:8080",
		"https://intra.example/portal/": "intra.example/portal", "portal.example": "portal.example"} {
		if got := page.Typed(base); got != want {
			t.Errorf("%s: %s", base, got)
		}
	}
}

package browsertest

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"nidan/internal/account"
	"nidan/internal/demo"
	"nidan/internal/importing"
	"nidan/internal/pass"
	"nidan/internal/phrase"
	"nidan/internal/store"
)

// walked is one page of a walk.
type walked struct{ name, path string }

// walk examines pages that a link leads to, one after another.
func (b *tab) walk(pages ...walked) {
	b.Helper()
	for _, one := range pages {
		b.open(one.path)
		b.examine(scene{name: one.name, status: http.StatusOK, mixed: true})
	}
}

// sent examines the answer to a form.
func (b *tab) sent(name string, status int) {
	b.Helper()
	b.examine(scene{name: name, status: status, posted: true, mixed: true})
}

// The pages of an operator that show the demo's people: what happened, and what is
// asked for.
func TestTheDemosOperatorKeepsTheRecordInBothLanguages(t *testing.T) {
	t.Parallel()
	s, facts := demonstrate(t)
	b := s.tab(phrase.English)
	b.enter(of(s, facts.Operator.Email, facts.Operator.Password, facts.Operator.TOTPSecret, true))
	b.open("/operator/audit")
	b.press("tbody th a")
	row := b.path()
	b.open("/operator/organizations")
	b.press("tbody th a")
	networks := strings.Replace(b.path(), "organizations", "networks", 1)
	for _, lang := range phrase.Langs {
		b.speak(lang)
		b.walk(walked{"audit", "/operator/audit"}, walked{"audit-row", row}, walked{"audit-none", "/operator/audit?subject=nobody@nowhere.example"},
			walked{"audit-failures", "/operator/audit/failures"},
			walked{"networks-operator", "/operator/networks"}, walked{"networks-operator-one", networks},
			walked{"addresses-none", "/operator/addresses"})
	}
}

const customers = `organization,email,name,phone,authority,method,mail_language,time_zone,password_hash,department
Minato Shipping,grace@minato.example,Grace Hill,+81 3 5550 1001,portal_admin,,en,Asia/Tokyo,{SSHA}tAYrA42ljwYsQrSykBqHai65KFcBAgMEBQYHCA==,Sales
Minato Shipping,ken@minato.example,湊 健,+81 3 5550 1002,general_user,mailotp,ja,Asia/Tokyo,,Sales
Minato Shipping,nobody,Nobody,1,general_user,,en,Asia/Tokyo,,
`

// An import from the upload to its end.
func TestAnImportIsReadableInBothLanguages(t *testing.T) {
	t.Parallel()
	s := build(t)
	b := s.tab(phrase.English)
	b.enter(b.staff())
	desk := &importing.Desk{DB: s.db, Keys: s.keys, Site: s.portal.Site, BaseURL: s.url, Wake: func() {}, Log: slog.New(slog.DiscardHandler)}
	file := filepath.Join(t.TempDir(), "customers.csv")
	for i, lang := range phrase.Langs {
		b.speak(lang)
		b.open("/operator/import")
		b.examine(scene{name: "import", status: http.StatusOK, mixed: i > 0})
		b.press(primary)
		b.sent("import-wrong", http.StatusUnprocessableEntity)
		s.must(os.WriteFile(file, []byte(strings.ReplaceAll(customers, "minato", "minato-"+string(lang))), 0o600))
		b.do(chromedp.SetUploadFiles(chromedp.ID("file"), []string{file}), chromedp.Click(chromedp.ID("leave")))
		b.press(primary)
		run := b.path()
		b.sees("customers.csv") // while it is checked the page changes by itself: nothing to stand still
		s.must(desk.Work(t.Context()))
		b.walk(walked{"import-checked", run})
		b.press(primary)
		s.must(desk.Work(t.Context()))
		b.walk(walked{"import-done", run}, walked{"import-old", "/operator/import/old-hashes"}, walked{"import-runs", "/operator/import"})
	}
}

// A Portal Admin's people, networks and history.
func TestTheDemosPortalAdminGovernsInBothLanguages(t *testing.T) {
	t.Parallel()
	s, facts := demonstrate(t)
	b := s.tab(phrase.English)
	me := facts.Accounts[0]
	b.enter(of(s, me.Email, me.Password, me.TOTPSecret, false))
	at := func(state demo.State) string {
		one := slices.IndexFunc(facts.Accounts, func(a demo.Account) bool {
			return a.State == state && a.Organization == me.Organization && a.Email != me.Email
		})
		if one < 0 {
			t.Fatalf("nobody is %s", state)
		}
		b.open("/accounts?q=" + facts.Accounts[one].Email)
		b.press("tbody th a")
		return b.path()
	}
	suspended, stopped, invited, enrolled := at(demo.Suspended), at(demo.Stopped), at(demo.Invited), at(demo.Enrolled)
	b.open("/networks/new")
	b.fill("network", "203.0.113.0/24", "description", "Head office 本社")
	for _, lang := range phrase.Langs {
		b.speak(lang)
		b.walk(walked{"account-suspended", suspended}, walked{"account-return", suspended + "/return"},
			walked{"account-stopped", stopped}, walked{"account-suspend", enrolled + "/suspend"}, walked{"account-guide", invited + "/guide"},
			walked{"resets-none", "/accounts/resets"}, walked{"history", "/history"}, walked{"networks", "/networks"},
			walked{"networks-accounts", "/networks/accounts"})
		b.open("/networks/new")
		b.fill("network", "somewhere")
		b.sent("network-wrong", http.StatusUnprocessableEntity)
		b.open("/networks/accounts?q=" + me.Email)
		b.press("td.acts a")
		b.sent("network-shut", http.StatusOK)
	}
}

// A password that waits, for those who answer it; and a starting guide, all the way.
func TestAWaitingPasswordAndAGuideAreReadableInBothLanguages(t *testing.T) {
	t.Parallel()
	s := build(t)
	b := s.tab(phrase.English)
	boss := b.person("Sven Berg", admin, withApp)
	b.tab(phrase.English).renew(b.member(withMail))
	b.enter(boss)
	for _, lang := range phrase.Langs {
		b.speak(lang)
		b.walk(walked{"resets", "/accounts/resets"})
		b.press("td.acts a")
		b.sent("reset-answer", http.StatusOK)
	}
	for i, lang := range phrase.Langs {
		p := b.person([]string{"Mei Okada", "Ken Okada"}[i], newcomer)
		var token string
		b.write(func(ctx context.Context, tx *store.Tx) (err error) {
			token, _, err = pass.Give(ctx, tx, account.Ref{Organization: p.Organization, ID: p.ID}, pass.Guide, pass.Given{By: boss.ID, Why: "new"})
			return err
		})
		b := s.tab(lang)
		b.open("/start/" + token)
		b.examine(scene{name: "start", status: http.StatusOK})
		b.fill("email", p.Email, "name", "Somebody Else", "phone", p.Phone)
		b.examine(scene{name: "start-denied", status: http.StatusUnprocessableEntity})
		b.do(chromedp.Evaluate[chromedp.Void]("document.getElementById('name').value = ''"))
		b.fill("name", p.Name)
		b.fill("password", "short", "password_again", "other")
		b.examine(scene{name: "start-password-wrong", status: http.StatusUnprocessableEntity})
	}
}

package browsertest

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"nidan/internal/account"
	"nidan/internal/demo"
	"nidan/internal/phrase"
	"nidan/internal/progress"
)

// An operator and a Portal Admin watch the demo's rollout.
func TestTheDemosRolloutIsWatchedInBothLanguages(t *testing.T) {
	t.Parallel()
	s, facts := demonstrate(t)
	_, err := progress.Fold(context.Background(), s.db)
	s.must(err)
	b := s.tab(phrase.English)
	b.enter(of(s, facts.Operator.Email, facts.Operator.Password, facts.Operator.TOTPSecret, true))
	b.open("/operator/rollouts")
	b.press("tbody th a")
	rollout := b.path()
	look := func(name, path string) {
		b.open(path)
		b.examine(scene{name: name, status: http.StatusOK, mixed: true})
	}
	for _, lang := range phrase.Langs {
		b.speak(lang)
		look("rollout-progress", rollout+"/progress")
		b.do(chromedp.Click(chromedp.CSS("summary")), chromedp.Evaluate[chromedp.Void]("scrollTo(0, 0)"))
		b.examine(scene{name: "rollout-progress-table", status: http.StatusOK, mixed: true})
		look("rollout-organizations", rollout+"/organizations?sort=share")
	}
	admin := slices.IndexFunc(facts.Accounts, func(a demo.Account) bool {
		return a.Authority == string(account.PortalAdmin) && a.Enrolled && a.TOTPSecret != "" && a.State == demo.Enrolled
	})
	b = s.tab(phrase.English)
	b.enter(of(s, facts.Accounts[admin].Email, facts.Accounts[admin].Password, facts.Accounts[admin].TOTPSecret, false))
	for _, lang := range phrase.Langs {
		b.speak(lang)
		look("progress-own", "/progress")
	}
	s.now(s.clock.Raw().AddDate(0, 0, 40)) // after the end
	b = s.tab(phrase.English)
	b.enter(of(s, facts.Accounts[admin].Email, facts.Accounts[admin].Password, facts.Accounts[admin].TOTPSecret, false))
	look("progress-own-ended", "/progress")
}

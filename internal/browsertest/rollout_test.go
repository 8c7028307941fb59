package browsertest

import (
	"encoding/base32"
	"net/http"
	"strings"
	"testing"

	"nidan/internal/account"
	"nidan/internal/demo"
	"nidan/internal/phrase"
)

// of is somebody of a demo who signs in with an authenticator app.
func of(s *stage, email, password, key string, operator bool) *person {
	s.Helper()
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
	s.must(err)
	return &person{Account: account.Account{Email: email}, password: password, key: seed, operator: operator}
}

// An operator and a Portal Admin lead the demo's rollout: its pages with people,
// figures and letters in them. The guide to a rollout shows these pictures.
func TestTheDemosRolloutIsLedInBothLanguages(t *testing.T) {
	t.Parallel()
	s, facts := demonstrate(t)
	b := s.tab(phrase.English)
	b.enter(of(s, facts.Operator.Email, facts.Operator.Password, facts.Operator.TOTPSecret, true))
	b.open("/operator/rollouts")
	b.press("tbody th a")
	rollout := b.path()
	if !strings.HasPrefix(rollout, "/operator/rollouts/") {
		t.Fatalf("the first rollout is at %s", rollout)
	}
	pages := []struct{ name, path string }{
		{"dashboard-leading", "/"}, {"rollouts", "/operator/rollouts"}, {"rollout-plan", "/operator/rollouts/new"}, {"rollout", rollout},
		{"rollout-change", rollout + "/change"}, {"rollout-forecast", rollout + "/forecast"}, {"rollout-withdraw", rollout + "/withdraw"},
		{"rollout-extend", rollout + "/extend"}, {"rollout-reminders", rollout + "/reminders"},
		{"rollout-progress", rollout + "/progress"}, {"rollout-organizations", rollout + "/organizations"},
		{"passes", "/operator/passes?q=naomi.kobayashi@aozora.example"}, {"outbox", "/operator/mail"},
	}
	for _, lang := range phrase.Langs {
		b.speak(lang)
		for _, one := range pages {
			b.open(one.path)
			b.examine(scene{name: one.name, status: http.StatusOK, mixed: true})
		}
		b.open(rollout + "/change")
		b.fill("ends", "next month")
		b.at(rollout+"/change", http.StatusUnprocessableEntity)
		b.examine(scene{name: "rollout-change-wrong", status: http.StatusUnprocessableEntity, mixed: true})
		b.open(rollout + "/change")
		b.fill("ends", "2018-04-30 24:00")
		b.at(rollout+"/change", http.StatusOK)
		b.examine(scene{name: "rollout-check", status: http.StatusOK, mixed: true})
	}
}

// A Portal Admin looks after the own people.
func TestTheDemosPortalAdminHelpsInBothLanguages(t *testing.T) {
	t.Parallel()
	s, facts := demonstrate(t)
	b := s.tab(phrase.English)
	for _, a := range facts.Accounts {
		if a.Authority == string(account.PortalAdmin) && a.State == demo.Enrolled && a.TOTPSecret != "" {
			b.enter(of(s, a.Email, a.Password, a.TOTPSecret, false))
			break
		}
	}
	for _, lang := range phrase.Langs {
		b.speak(lang)
		for name, path := range map[string]string{"dashboard-helping": "/", "accounts": "/accounts", "progress": "/progress"} {
			b.open(path)
			b.examine(scene{name: name, status: http.StatusOK, mixed: true})
		}
	}
}

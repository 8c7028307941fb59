package browsertest

import (
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"

	"nidan/internal/phrase"
)

// An operator rehearses the demo's rollout: before the first time, and with a report.
func TestARehearsalIsReadableInBothLanguages(t *testing.T) {
	t.Parallel()
	s, facts := demonstrate(t)
	b := s.tab(phrase.English)
	b.enter(of(s, facts.Operator.Email, facts.Operator.Password, facts.Operator.TOTPSecret, true))
	b.open("/operator/rollouts")
	b.press("tbody th a")
	path := b.path() + "/rehearsal"
	for _, name := range []string{"rollout-rehearsal-none", "rollout-rehearsal"} {
		for _, lang := range phrase.Langs {
			b.speak(lang)
			b.open(path)
			b.examine(scene{name: name, status: http.StatusOK, mixed: true})
		}
		if name == "rollout-rehearsal" {
			return
		}
		b.press(primary)
		b.at(path, http.StatusOK)
		for _, lang := range phrase.Langs {
			b.speak(lang)
			b.open(path)
			b.examine(scene{name: "rollout-rehearsal-running", status: http.StatusOK, mixed: true})
		}
		b.speak(phrase.English)
		b.open(path)
		b.sees("Stop updating")
		// Not reached, it looks again for a while, ever later, and then only when it is asked to.
		b.cutOff(chromedp.Evaluate[chromedp.Void]("{ const later = setTimeout; window.setTimeout = (f, ms) => later(f, ms / 100) }"),
			chromedp.Poll[chromedp.Void](`document.querySelector("[data-every] button").textContent === "Go on updating"`, chromedp.WithPollingTimeout(0)))
		b.do(chromedp.Click(chromedp.CSS("[data-every] button")))
		b.sees("Stop updating")
		s.busy.Store(2) // looks that are answered by 503: it goes on looking
		s.must(s.portal.Rehearse(t.Context()))
		// Nothing is pressed: what goes on is looked at again, and the page stays the same one.
		b.do(chromedp.WaitNotPresent(chromedp.CSS("[data-every]")))
		b.sees("What the rehearsal showed")
		if s.busy.Load() >= 0 {
			s.Error("it was not looked at again while the portal was busy")
		}
		b.quiet()
	}
}

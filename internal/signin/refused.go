package signin

import (
	"net/http"
	"time"

	"nidan/internal/page"
)

// refusedView tells what happened, what was kept and the ways back.
type refusedView struct {
	page.View
	Reason string // phrase key
	Args   []any
	Until  time.Time
	Way    string // path of the page that goes on, or empty
	Name   string // phrase key of that page's name
	Back   bool   // says how to get back in: a Portal Admin, or the contact
	Reset  bool   // says how to reset the password
	Pass   bool   // a pass leads on
}

// Told is the reason as it is said.
func (v *refusedView) Told() string {
	return v.Site.Book().Say(v.Lang, v.Reason, append(v.Args, "end", v.End(v.Until), "opens", v.Moment(v.Until))...)
}

type closedView struct {
	page.View
	Until time.Time
}

// refuse answers a request that may not pass: 503 in a window, else 403.
func (g *Gate) refuse(w http.ResponseWriter, r *http.Request, a *asked, v verdict) error {
	if a.step.Kind == Closed {
		return g.closed(w, r, a.now, a.step.Until)
	}
	if v.phrase != "" {
		view := &refusedView{Reason: v.phrase, Way: "/", Name: "signin.to_dashboard", Until: a.step.Opens}
		if a.step.Setup {
			view.Way, view.Name = "/setup", "signin.to_setup"
		}
		return g.room.Show(w, r, http.StatusForbidden, "refused", "signin.not_allowed", view)
	}
	return g.showStep(w, r, a.step)
}

// showStep answers with the page of a step that refuses.
func (g *Gate) showStep(w http.ResponseWriter, r *http.Request, step Step) error {
	view := &refusedView{Reason: "signin.refused_" + string(step.Why), Until: step.Until, Back: true,
		Pass: step.Kind == Refused && step.Why.pass()}
	title := "signin.refused_title"
	switch {
	case step.Kind == MustResetPassword:
		view.Reason, view.Reset, view.Back = "signin.must_reset", true, false
		title = "signin.must_reset_title"
	case step.Why == "":
		view.Reason = "signin.changed_meanwhile"
	}
	return g.room.Show(w, r, http.StatusForbidden, "refused", title, view)
}

// closed answers in a maintenance window.
func (g *Gate) closed(w http.ResponseWriter, r *http.Request, now, until time.Time) error {
	page.RetryAfter(w, now, until)
	return g.room.Show(w, r, http.StatusServiceUnavailable, "closed", "signin.closed_title", &closedView{Until: until})
}

// refusedPost answers a POST that came without a session or before its step.
func (g *Gate) refusedPost(w http.ResponseWriter, r *http.Request, to string) error {
	return g.room.Show(w, r, http.StatusForbidden, "refused", "signin.not_done",
		&refusedView{Reason: errPending.Phrase, Way: to, Name: "signin.go_on"})
}

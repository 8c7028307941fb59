package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/secret"
	"nidan/internal/store/storetest"
)

// doors are how each act of the table is done through HTTP. {id} and {organization}
// are those of the person it is done to; a path without {id} is asked once for each
// who acts. loses says that the act would leave the person unable to act.
var doors = []struct {
	act          act.Act
	method, path string
	loses        bool
	form         []string
}{
	{act: act.SeePeople, method: "GET", path: "/accounts"},
	{act: act.SeePeople, method: "GET", path: "/accounts/{id}"},
	{act: act.AddPerson, method: "GET", path: "/accounts/new"},
	{act: act.AddPerson, method: "POST", path: "/accounts/new", form: []string{"name", "x"}},
	{act: act.EditPerson, method: "GET", path: "/accounts/{id}/edit"},
	{act: act.EditPerson, method: "POST", path: "/accounts/{id}/edit", form: []string{"name", "x"}},
	{act: act.ChangeAuthority, method: "POST", path: "/accounts/{id}/edit", loses: true,
		form: []string{"name", "x", "phone", "0312345678", "language", "en", "time_zone", "UTC", "authority", "general_user"}},
	{act: act.ChangeMethod, method: "GET", path: "/accounts/{id}/method"},
	{act: act.ChangeMethod, method: "POST", path: "/accounts/{id}/method", loses: true, form: []string{"method", "mailotp"}},
	{act: act.ChangeMethod, method: "GET", path: "/accounts/{id}/request"},
	{act: act.ChangeMethod, method: "POST", path: "/accounts/{id}/request", form: []string{"answer", "decline"}},
	{act: act.Suspend, method: "GET", path: "/accounts/{id}/suspend", loses: true},
	{act: act.Suspend, method: "POST", path: "/accounts/{id}/suspend", loses: true},
	{act: act.Return, method: "GET", path: "/accounts/{id}/return"},
	{act: act.Return, method: "POST", path: "/accounts/{id}/return"},
	{act: act.Delete, method: "GET", path: "/accounts/{id}/delete", loses: true},
	{act: act.Delete, method: "POST", path: "/accounts/{id}/delete", loses: true},
	{act: act.GiveGuide, method: "GET", path: "/accounts/{id}/guide"},
	{act: act.GiveGuide, method: "POST", path: "/accounts/{id}/guide"},
	{act: act.Unlock, method: "GET", path: "/accounts/{id}/unlock"},
	{act: act.Unlock, method: "POST", path: "/accounts/{id}/unlock"},
	{act: act.GivePass, method: "GET", path: "/accounts/{id}/pass"},
	{act: act.GivePass, method: "POST", path: "/accounts/{id}/pass", form: []string{"way", "hand", "why", "x"}},
	{act: act.WithdrawPass, method: "POST", path: "/accounts/{id}/pass", form: []string{"act", "withdraw"}},
}

// wanted says whether an answer through HTTP is that of the table.
func wanted(answer act.Answer, method string, w *httptest.ResponseRecorder) bool {
	confirm := strings.HasPrefix(w.Header().Get("Location"), "/confirm")
	switch answer {
	case act.Allowed:
		return w.Code == http.StatusOK || w.Code == http.StatusUnprocessableEntity || w.Code == http.StatusSeeOther && !confirm
	case act.AskSignIn:
		return w.Code == http.StatusSeeOther && !confirm && method == http.MethodGet || w.Code == http.StatusForbidden && method == http.MethodPost
	case act.Confirm:
		return w.Code == http.StatusSeeOther && confirm
	case act.Hidden:
		return w.Code == http.StatusNotFound
	}
	return w.Code == http.StatusForbidden
}

// Every cell of the table of acts, asked through HTTP: the page answers as the table.
func TestEachCellOfTheTableOfActsIsAnsweredSoThroughHTTP(t *testing.T) {
	c := openCast(t, storetest.Open(t, t.TempDir()+"/nidan.db"))
	cells := 0
	for _, d := range doors {
		for i := range actors {
			for j := range targets {
				person := strings.Contains(d.path, "{id}")
				if !person && targets[j].name != "oneself" {
					continue
				}
				who, token := c.actor(i)
				whom := c.target(j, who)
				if who.Ref == (account.Ref{}) && targets[j].name == "oneself" && person {
					continue // a stranger is nobody
				}
				last := whom.LastAble
				if last {
					c.alone(whom, who)
				}
				id, org := whom.ID, whom.Organization
				if id == "" {
					id, org = secret.ID(), c.own
				}
				before := c.done()
				w := c.ask(token, d.method, strings.NewReplacer("{id}", id, "{organization}", org).Replace(d.path), d.form)
				whom.LastAble = whom.LastAble && d.loses
				answer := act.May(d.act, who, whom)
				if !wanted(answer, d.method, w) {
					t.Errorf("%s, %s %s, by %s to %s: %d on to %q, and the table says %q", d.act, d.method, d.path, actors[i].name, targets[j].name,
						w.Code, w.Header().Get("Location"), answer)
				}
				if answer != act.Allowed && c.done() != before {
					t.Errorf("%s %s, by %s to %s: refused, and something was done", d.method, d.path, actors[i].name, targets[j].name)
				}
				if cells++; last {
					c.together()
				}
				if d.method == http.MethodPost && answer == act.Allowed {
					c.anew()
				}
			}
		}
	}
	if cells < 1800 {
		t.Errorf("only %d cells were asked", cells)
	}
}

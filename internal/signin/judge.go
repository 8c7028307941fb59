package signin

import (
	"net/http"
	"net/url"
	"strings"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/route"
)

type ruling int

// What the gate does with a request. The zero ruling refuses.
const (
	refuses ruling = iota
	sends          // a GET goes on to the page of its step, a POST is refused
	passes
)

type verdict struct {
	kind   ruling
	to     string
	phrase string // refuses: why, when the step itself does not say it
}

// judge compares a route's gate with the rule's answer. It is pure; whatever is
// not said to pass is refused.
func judge(gate route.Gate, a *asked) verdict {
	switch {
	case gate.Who == route.Nobody:
		return verdict{}
	case a.step.Kind == Closed:
		return verdict{kind: refuses}
	case gate.Who == route.Everybody:
		return verdict{kind: passes}
	case a.step.Kind == AskPassword:
		if gate.Who == route.Operator {
			return verdict{kind: sends, to: "/operator/signin"}
		}
		return verdict{kind: sends, to: "/signin"}
	case gate.Who == route.Pending:
		return verdict{kind: passes}
	}
	switch a.step.Kind {
	case Refused:
		if gate.Who == route.Redeeming && a.step.Why.pass() {
			return verdict{kind: passes}
		}
	case AskCode:
		return atStep(gate.Who == route.Coding || gate.Who == route.Redeeming, "/signin/code")
	case MustEnroll:
		return atStep(gate.Who == route.Enrolling, "/setup")
	case Admit:
		return admitted(gate, a)
	}
	return verdict{kind: refuses}
}

func atStep(here bool, path string) verdict {
	if here {
		return verdict{kind: passes}
	}
	return verdict{kind: sends, to: path}
}

// admitted judges those whom the rule admits.
func admitted(gate route.Gate, a *asked) verdict {
	two := !a.CodeAt.IsZero()
	switch gate.Who {
	case route.Coding:
		return verdict{kind: sends, to: "/"}
	case route.Redeeming:
		return atStep(!two, "/")
	case route.Enrolling:
		return atStep(a.step.Setup, "/")
	case route.Operator:
		if !a.Ref.IsOperator() {
			return verdict{kind: refuses, phrase: "signin.operators_only"}
		}
	case route.PortalAdmin:
		if a.Ref.IsOperator() || a.person.Authority != account.PortalAdmin {
			return verdict{kind: refuses, phrase: "signin.admins_only"}
		}
		if !two && !gate.OneStep {
			return verdict{kind: refuses, phrase: setupFirst(a)}
		}
	case route.Admitted:
	default:
		return verdict{}
	}
	return fresh(gate.Proof, a, two)
}

func fresh(proof route.Proof, a *asked, two bool) verdict {
	switch {
	case proof == route.Standing, two && a.CodeFresh(a.now):
		return verdict{kind: passes}
	case two:
		return verdict{kind: sends, to: "/confirm"}
	case proof != route.FreshForOneAct:
		return verdict{kind: refuses, phrase: setupFirst(a)}
	case a.PasswordFresh(a.now):
		return verdict{kind: passes}
	}
	return verdict{kind: sends, to: "/confirm"}
}

// setupFirst is what somebody with one step is told of an act that needs two.
func setupFirst(a *asked) string {
	if a.step.Setup {
		return "signin.setup_first"
	}
	return "signin.setup_later"
}

// send sends a GET on to the page of its step. A POST is refused with that page
// named, since what it carried was not done; it is sent on only to be confirmed.
func (g *Gate) send(w http.ResponseWriter, r *http.Request, to string) error {
	get := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case to == "/confirm":
		back := r.URL.Path
		if get && r.URL.RawQuery != "" {
			back += "?" + r.URL.RawQuery
		}
		return page.See(w, "/confirm?to="+url.QueryEscape(back))
	case get:
		return page.See(w, to)
	}
	return g.refusedPost(w, r, to)
}

// Back is where /confirm returns to: a path of this portal, else the dashboard.
func Back(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}

// phrases of refusals that have no step of their own.
var errPending = fault.New(fault.Refused, "signin.pending")

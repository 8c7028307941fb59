// Package route is one line of the route map: a pattern, who may pass, what serves it.
package route

import "net/http"

// Who is who may pass a gate. The zero Who is nobody.
type Who int

// From the most open to the most closed.
const (
	Nobody      Who = iota
	Everybody       // no sign-in needed
	Pending         // the password was proved in this session, whatever step comes next
	Redeeming       // the password was proved, and a pass would help: no second verification was
	Coding          // the next step is a code
	Enrolling       // set-up: asked by a pass, or in the period, or a second method after a code
	Admitted        // the rule admits, by 1 step or 2
	PortalAdmin     // admitted by 2 steps (see Gate.OneStep), with that authority
	Operator        // an operator, admitted
)

// Proof is how fresh the proof must be for the act behind a gate.
type Proof int

// The proofs.
const (
	Standing       Proof = iota // admitted is enough
	FreshCode                   // own second verification proved within 15 minutes
	FreshForOneAct              // as FreshCode; a 1-step session: its password within 15 minutes
)

// Gate decides who passes. The zero Gate admits nobody, and a route with it stops
// the program at its start.
type Gate struct {
	Who      Who
	Proof    Proof
	OneStep  bool // a Portal Admin's gate: open to a session with one step too
	InWindow bool // stays open in a maintenance window
	Machine  bool // served to machines: no session is looked at, no policy asked
}

// The gates in use.
var (
	Machine      = Gate{Who: Everybody, InWindow: true, Machine: true}
	Always       = Gate{Who: Everybody, InWindow: true}
	Door         = Gate{Who: Everybody}
	PasswordDone = Gate{Who: Pending}
	PassStep     = Gate{Who: Redeeming}
	CodeStep     = Gate{Who: Coding}
	SetupStep    = Gate{Who: Enrolling}
	SignedIn     = Gate{Who: Admitted}
	Fresh        = Gate{Who: Admitted, Proof: FreshCode}
	FreshOwn     = Gate{Who: Admitted, Proof: FreshForOneAct}
	AdminSees    = Gate{Who: PortalAdmin, OneStep: true}
	AdminOneAct  = Gate{Who: PortalAdmin, OneStep: true, Proof: FreshForOneAct}
	AdminOnly    = Gate{Who: PortalAdmin}
	AdminFresh   = Gate{Who: PortalAdmin, Proof: FreshCode}
	OperatorOnly = Gate{Who: Operator}
	OperatorDoer = Gate{Who: Operator, Proof: FreshCode}
)

var whoNames = [...]string{"nobody", "everybody", "password proved", "pass step", "code step", "set-up", "signed in", "Portal Admin", "operator"}
var proofNames = [...]string{"", ", fresh code", ", fresh code or password"}

// String is the gate as the route map says it.
func (g Gate) String() string {
	text := whoNames[g.Who] + proofNames[g.Proof]
	switch {
	case g.Machine:
		return "machines"
	case g.Who == Operator:
		return text + "; in a window if listed"
	case g.OneStep:
		return text + "; also by 1 step"
	case g.InWindow:
		return text + "; also in a window"
	}
	return text
}

// Route is one line of the map.
type Route struct {
	Pattern string // "GET /signin", as net/http.ServeMux reads it
	Gate    Gate
	Serve   http.HandlerFunc
}

package crash

import (
	"sync"
	"time"

	"nidan/internal/account"
)

// verdict is what somebody was answered.
type verdict int

const (
	refused verdict = iota // it was not done, says the answer
	done                   // it was done, says the answer
	unknown                // there was no answer: the connection broke, or it says itself that it is not known
)

func (v verdict) String() string { return [...]string{"refused", "done", "unknown"}[v] }

// The deeds of a history. A value of those marked so may be done once in all time.
const (
	appCode    = "a code of an app" // once: account and step
	mailedCode = "a mailed code"    // once: code and session
	resetLink  = "a reset link"     // once: token
	passLink   = "a pass"           // once: token or code, spent with the set-up
	enrolling  = "a set-up"         //
	deadCode   = "a code of a secret that is not enrolled"
	wrongCode  = "a wrong code"
	lockedCode = "a right code while codes wait"
	oneStep    = "an act by one step after the own end"
	stayedIn   = "a page behind the sign-in" // of a session that was given
	opening    = "a ticket"                  // value: its summary
	comment    = "a comment"                 // value: its text
	adding     = "a new person"              // value: the address
	governing  = "an act on somebody"        // value: the act of the record
)

// once are the deeds whose value is a one-time value.
var once = map[string]bool{appCode: true, mailedCode: true, resetLink: true, passLink: true}

// event is one deed and its answer.
type event struct {
	account.Ref
	deed, value string
	verdict     verdict
	act         string // of the record that it must leave, if any
	subject     string // whom that record is about
	cookie      string // what the browser holds after it
	asked, told time.Time
}

// history is everything that was asked and answered.
type history struct {
	mu     sync.Mutex
	events []event
}

func (h *history) note(e event) {
	e.told = time.Now()
	h.mu.Lock()
	h.events = append(h.events, e)
	h.mu.Unlock()
}

func (h *history) all() []event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]event(nil), h.events...)
}

// tally counts answers by deed, for the report of a run.
func (h *history) tally() map[string][3]int {
	sums := map[string][3]int{}
	for _, e := range h.all() {
		s := sums[e.deed]
		s[e.verdict]++
		sums[e.deed] = s
	}
	return sums
}

package rollout

import (
	"time"

	"nidan/internal/phrase"
)

// LongestExtension is how far beyond the rollout's present end an own end may lie.
const LongestExtension = 90 * 24 * time.Hour

// Plan is one rollout: of the whole portal (Organization empty) or of one organization.
type Plan struct {
	ID           string
	Organization string
	Opens, Ends  time.Time // the period [Opens, Ends)
	Zone         string    // the house zone it is announced in, IANA name; empty: the portal's
	Message      Message   // the operator's own words in the announcement
	Reminders    Series    // days before the own end
	Version      int64     // 1 when planned, and one more with each change
	Planned      time.Time
	Withdrawn    time.Time // zero: it stands
	Extended     time.Time // the organization's extension, or zero; of the asking organization
}

// Message is the operator's own words, which stand in the announcement and in the
// letters beside what follows from the plan. Either may be empty.
type Message struct{ English, Japanese string }

// In is the message in a language; in the other where it was written in one alone.
func (m Message) In(lang phrase.Lang) string {
	first, second := m.English, m.Japanese
	if lang == phrase.Japanese {
		first, second = second, first
	}
	if first == "" {
		return second
	}
	return first
}

// Location is the zone the plan is announced in; the portal's own where it names none.
func (p Plan) Location(portal *time.Location) *time.Location {
	if p.Zone == "" {
		return portal
	}
	return phrase.Location(p.Zone)
}

// Book is every rollout ever planned, with the extensions of organizations.
type Book struct {
	Plans    []Plan
	Extended map[[2]string]time.Time // by plan and organization
}

// Of is the plans as they bind one organization.
func (b Book) Of(organization string) []Plan {
	if len(b.Extended) == 0 {
		return b.Plans
	}
	plans := make([]Plan, len(b.Plans))
	for i, plan := range b.Plans {
		plan.Extended = b.Extended[[2]string{plan.ID, organization}]
		plans[i] = plan
	}
	return plans
}

// Find is the plan of an id, and whether there is one.
func (b Book) Find(id string) (Plan, bool) {
	for _, plan := range b.Plans {
		if plan.ID == id && id != "" {
			return plan, true
		}
	}
	return Plan{}, false
}

// In is the plan that an organization's people live by at now, and whether there
// is one: the one in its period, else the one ahead, else the last that ended. A
// portal's plan ("" asks for it) is not one that an organization's own replaced.
func (b Book) In(organization string, now time.Time) (found Plan, ok bool) {
	for _, p := range b.Of(organization) {
		if !p.Withdrawn.IsZero() || !covers(b.Plans, p, organization) {
			continue
		}
		if !ok || nearer(now, p, found) {
			found, ok = p, true
		}
	}
	return found, ok
}

// nearer says whether p is more of the present than q.
func nearer(now time.Time, p, q Plan) bool {
	rank := func(p Plan) int {
		switch {
		case !now.Before(OwnEnd(p, time.Time{})):
			return 2 // over
		case now.Before(p.Opens):
			return 1 // ahead
		}
		return 0
	}
	switch rp, rq := rank(p), rank(q); {
	case rp != rq:
		return rp < rq
	case rp == 2:
		return p.Ends.After(q.Ends)
	}
	return p.Opens.Before(q.Opens)
}

// Claim is what an account's grace is decided by. The zero Claim has none.
type Claim struct {
	Organization  string
	FirstPassword time.Time // when the account first had a password; zero: never
	Imported      bool      // it came by import, with that password
	Finished      bool      // first enrollment or deletion finished its grace for ever
	Extended      time.Time // the account's own extension, or zero
}

// Term is the rollout as it binds one account.
type Term struct {
	Plan   Plan
	Opens  time.Time
	OwnEnd time.Time
}

// For finds the rollout that binds an account, and whether the account has grace
// by it at all. It is the first one in its scope that the account had a password
// before the end (or the withdrawal) of: a later one never replaces it, so that
// nothing gives grace back.
func For(plans []Plan, c Claim) (term Term, grace bool) {
	plan, ok := binding(plans, c)
	if !ok {
		return Term{}, false
	}
	term = Term{Plan: plan, Opens: plan.Opens, OwnEnd: OwnEnd(plan, c.Extended)}
	before := c.FirstPassword.Before(plan.Opens)
	// An import before the rollout's end gives grace, whenever in the period it came.
	imported := c.Imported && c.FirstPassword.Before(plan.Ends)
	return term, plan.Withdrawn.IsZero() && !c.Finished && (before || imported)
}

func binding(plans []Plan, c Claim) (found Plan, ok bool) {
	if c.FirstPassword.IsZero() {
		return Plan{}, false
	}
	for _, p := range plans {
		if !covers(plans, p, c.Organization) || !p.lasts().After(c.FirstPassword) {
			continue
		}
		if !ok || p.binds().Before(found.binds()) {
			found, ok = p, true
		}
	}
	return found, ok
}

// covers says whether a plan is in force (or was, or will be) for an organization.
// An organization's own replaces the portal's if it was saved before either opens;
// withdrawn before it opens, it puts the portal's back.
func covers(plans []Plan, p Plan, organization string) bool {
	if p.Organization != "" {
		return p.Organization == organization && !p.void() && replacesAll(plans, p)
	}
	for _, own := range plans {
		if own.Organization != "" && own.Organization == organization && !own.void() && replaces(own, p) {
			return false
		}
	}
	return true
}

// void is an organization's own rollout that was withdrawn before it opened. Any
// other withdrawal leaves the plan in force for ever, with no grace in it.
func (p Plan) void() bool {
	return p.Organization != "" && !p.Withdrawn.IsZero() && p.Withdrawn.Before(p.Opens)
}

// binds is from when on a plan cannot be undone for whom it covers: its opening,
// or a withdrawal before that, which ends their grace for ever. What is planned
// later, even with an earlier opening, comes after it.
func (p Plan) binds() time.Time { return earlier(p.Opens, p.Withdrawn) }

// lasts is until when it covers those who come: its end, or its withdrawal.
func (p Plan) lasts() time.Time { return earlier(p.Ends, p.Withdrawn) }

// earlier is the earlier of two instants, the second of which may be missing.
func earlier(t, other time.Time) time.Time {
	if !other.IsZero() && other.Before(t) {
		return other
	}
	return t
}

func replaces(own, portal Plan) bool {
	return own.Planned.Before(own.Opens) && own.Planned.Before(portal.binds())
}

// replacesAll says whether an organization's own stands beside or before each
// rollout of the portal: one saved too late changes nothing.
func replacesAll(plans []Plan, own Plan) bool {
	for _, portal := range plans {
		overlap := portal.binds().Before(own.lasts()) && own.binds().Before(portal.lasts())
		if portal.Organization == "" && overlap && !replaces(own, portal) {
			return false
		}
	}
	return true
}

// OwnEnd is the end that binds one account: the latest of the rollout's end, the
// organization's extension and the account's, never beyond the rollout's present
// end and 90 days.
func OwnEnd(p Plan, account time.Time) time.Time {
	end := p.Ends
	for _, extended := range []time.Time{p.Extended, account} {
		if extended.After(end) {
			end = extended
		}
	}
	if last := p.Ends.Add(LongestExtension); end.After(last) {
		return last
	}
	return end
}

package session

import (
	"context"
	"net/netip"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/store"
)

// Visit is what the gate knows of a request when it lets it pass. The zero Visit
// is a stranger's.
type Visit struct {
	Session
	Person           account.Account // of an operator: name, address, language and zone
	OrganizationName string
	TwoStep          bool           // a code was proved in this session
	OneStep          bool           // admitted by the password alone, in or before the period
	Setup            bool           // set-up is asked for first
	Asks             account.Method // the method whose code this account is asked for; zero: none
	Stopped          bool           // the second verification is stopped
	Opens            time.Time      // of the period that covers the account, or zero
	OwnEnd           time.Time      // the end that binds the account, or zero
	From             string         // the network of this request
	Address          netip.Addr     // the address it came from, behind named proxies too
	Policy           int64          // the version of what is planned that the gate decided by; zero: unknown
	// Again asks the gate's question once more inside a deciding transaction, so
	// that what changed while this request waited counts. It is never nil in a
	// visit that passed a gate for signed-in people.
	Again func(ctx context.Context, tx *store.Tx) error
}

// Still asks the gate's question once more; a visit without a gate is refused.
func (v *Visit) Still(ctx context.Context, tx *store.Tx) error {
	if v.Again == nil {
		return fault.New(fault.Refused, "session.refused")
	}
	return v.Again(ctx, tx)
}

// Operator says whether this is one of the staff.
func (v *Visit) Operator() bool { return v.Ref.IsOperator() }

// Admin says whether this is a Portal Admin; whether his session may act is the gate's to say.
func (v *Visit) Admin() bool { return !v.Operator() && v.Person.Authority == account.PortalAdmin }

// Who is the visitor as the table of acts sees him at now.
func (v *Visit) Who(now time.Time) act.Who {
	who := act.Who{Ref: v.Ref, Authority: v.Person.Authority, FreshCode: v.TwoStep && v.CodeFresh(now), FreshPassword: v.OneStep && v.PasswordFresh(now)}
	switch {
	case v.Session.ID == "":
		return act.Who{}
	case v.TwoStep:
		who.Standing = act.TwoSteps
	case v.OneStep:
		who.Standing = act.OneStep
	default:
		who.Standing = act.Pending
	}
	return who
}

// Actor is the visitor as the record names him.
func (v *Visit) Actor() audit.Actor {
	switch {
	case v.ID == "":
		return audit.Actor{Kind: audit.KindStranger, ID: "-"}
	case v.Operator():
		return audit.Actor{Kind: audit.KindOperator, ID: v.Ref.ID}
	}
	return audit.Actor{Kind: audit.KindAccount, ID: v.Ref.ID}
}

// Entry is a record of an act of this visitor on himself, in his chain.
func (v *Visit) Entry(act string, detail map[string]string) audit.Entry {
	return audit.Entry{Chain: v.Ref.Organization, Act: act, Actor: v.Actor(), Subject: v.Ref.ID, Network: v.From, Detail: detail}
}

// Key is where a request's context holds its *Visit.
type Key struct{}

// With hands a visit to the handlers behind the gate.
func With(ctx context.Context, v *Visit) context.Context {
	return context.WithValue(ctx, Key{}, v)
}

// Of is the visit of a request; a stranger's when the gate knew nobody.
func Of(ctx context.Context) *Visit {
	if v, ok := ctx.Value(Key{}).(*Visit); ok {
		return v
	}
	return &Visit{}
}

package people

import (
	"context"
	"time"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/fault"
	"nidan/internal/rollout"
	"nidan/internal/session"
	"nidan/internal/store"
)

// may refuses what the table of acts does not allow the visitor to do to a person.
// loses says that the act would leave him unable to act for his organization. Asked
// in the act's own transaction, of two acts at once the second sees the first.
func may(ctx context.Context, r store.Reader, now time.Time, a act.Act, p Person, loses bool) error {
	whom, err := whom(ctx, r, now, p, loses)
	if err != nil {
		return err
	}
	return refusal(act.May(a, session.Of(ctx).Who(now), whom))
}

// refusal is what an answer of the table means for a request; nil where it may go on.
// What the gate would have said before is refused here all the same.
func refusal(answer act.Answer) error {
	switch {
	case answer == act.Allowed:
		return nil
	case answer == act.Hidden:
		return errNobody
	case answer.Why() != "":
		return fault.New(fault.Refused, answer.Why())
	}
	return fault.New(fault.Refused, "session.refused")
}

// whom is a person as the table of acts sees him. Who else is able is asked only
// where the act would cost the organization this one.
func whom(ctx context.Context, r store.Reader, now time.Time, p Person, loses bool) (act.Whom, error) {
	w := act.Whom{Ref: p.Ref, Authority: p.Authority, Suspended: !p.Suspended.IsZero(), Enrolled: p.Enrolled(), EverEnrolled: p.Ever}
	if !loses || p.Authority != account.PortalAdmin {
		return w, nil
	}
	admins, err := account.Abilities(ctx, r, p.Organization)
	if err != nil {
		return act.Whom{}, err
	}
	able := account.Able(admins)
	w.OthersAble = len(able) > 1 || len(able) == 1 && able[0].ID != p.ID
	if len(able) == 0 {
		if err := graced(ctx, r, p.Organization, now, admins); err != nil {
			return act.Whom{}, err
		}
	}
	w.LastAble = account.LastAble(admins, p.ID)
	return w, nil
}

// graced notes who of an organization's Portal Admins signs in by one step now.
func graced(ctx context.Context, r store.Reader, organization string, now time.Time, admins []account.Admin) error {
	book, err := rollout.ReadBook(ctx, r)
	if err != nil {
		return err
	}
	claimed, err := claims(ctx, r, organization)
	if err != nil {
		return err
	}
	for i, a := range admins {
		term, grace := rollout.For(book.Of(organization), claimed[a.ID])
		admins[i].Grace = grace && now.Before(term.OwnEnd)
	}
	return nil
}

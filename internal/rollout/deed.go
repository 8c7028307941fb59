package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Deed is somebody who leads a rollout, an operator at a page or the console: each
// deed decides by what stands in its own transaction, writes its record and tells
// whom it concerns.
type Deed struct {
	Keys    *secret.Keys
	Site    *page.Site
	By      string // as columns keep it: the operator's id
	Name    string // as others are told
	Actor   audit.Actor
	Network string
}

// Refusals are what is wrong with a timetable, all at once.
type Refusals []Wrong

// Error names the first.
func (f Refusals) Error() string { return "refused: " + f[0].Phrase }

// possible says as Refusals what is wrong with planning a rollout, or with changing
// the one of its id, beside all others.
func possible(ctx context.Context, r store.Reader, now time.Time, to Plan) error {
	book, err := ReadBook(ctx, r)
	if err != nil {
		return err
	}
	wrong := Timetable(now, to, book.Plans)
	if to.ID != "" {
		was, ok := book.Find(to.ID)
		if !ok {
			return store.ErrNone
		}
		wrong = Moves(now, was, to, book.Plans)
	}
	if len(wrong) > 0 {
		return Refusals(wrong)
	}
	return nil
}

// Plan saves a new rollout; Refusals say why it may not be.
func (d Deed) Plan(ctx context.Context, tx *store.Tx, plan Titled) (Titled, error) {
	if err := possible(ctx, tx, tx.Now(), plan.Plan); err != nil {
		return Titled{}, err
	}
	var err error
	if plan.Plan, err = Save(ctx, tx, plan.Plan, d.By); err != nil {
		return Titled{}, err
	}
	if err := d.record(ctx, tx, "planned", plan.Plan, Plan{}); err != nil {
		return Titled{}, err
	}
	return plan, d.tellOperators(ctx, tx, "planned", plan)
}

// Change saves other dates or words of a rollout, if it is still of the version
// that was looked at; store.ErrNone when somebody else was faster.
func (d Deed) Change(ctx context.Context, tx *store.Tx, to Titled) error {
	book, err := ReadBook(ctx, tx)
	if err != nil {
		return err
	}
	was, ok := book.Find(to.ID)
	if !ok || was.Version != to.Version {
		return store.ErrNone
	}
	if wrong := Moves(tx.Now(), was, to.Plan, book.Plans); len(wrong) > 0 {
		return Refusals(wrong)
	}
	saved, err := Change(ctx, tx, to.Plan, d.By)
	if err != nil {
		return err
	}
	if err := d.record(ctx, tx, "changed", saved, was); err != nil {
		return err
	}
	if was.Opens.Equal(to.Opens) && was.Ends.Equal(to.Ends) {
		return nil // words alone: the record is enough
	}
	return d.tellOperators(ctx, tx, "changed", to)
}

// Withdraw takes a rollout back, unless its end has passed: that never moves.
func (d Deed) Withdraw(ctx context.Context, tx *store.Tx, plan Titled) error {
	if !tx.Now().Before(plan.Ends) {
		return fault.New(fault.Refused, "rollout.over_now")
	}
	book, err := ReadBook(ctx, tx)
	if err != nil {
		return err
	}
	if Shadowed(tx.Now(), plan.Plan, book.Plans) {
		return fault.New(fault.Refused, "rollout.withdraw_order")
	}
	if err := Withdraw(ctx, tx, plan.Plan, d.By); err != nil {
		return err
	}
	if err := d.record(ctx, tx, "withdrawn", plan.Plan, plan.Plan); err != nil {
		return err
	}
	return d.tellOperators(ctx, tx, "withdrawn", plan)
}

// record writes what was done to a rollout into the operators' chain, and into the
// chain of the organization whose own it is.
func (d Deed) record(ctx context.Context, tx *store.Tx, what string, p, was Plan) error {
	detail := map[string]string{"opens": p.Opens.UTC().Format(time.RFC3339), "ends": p.Ends.UTC().Format(time.RFC3339),
		"zone": p.Zone, "reminders": string(p.Reminders)}
	if !was.Opens.Equal(p.Opens) && !was.Opens.IsZero() {
		detail["opened before"] = was.Opens.UTC().Format(time.RFC3339)
	}
	if !was.Ends.Equal(p.Ends) && !was.Ends.IsZero() {
		detail["ended before"] = was.Ends.UTC().Format(time.RFC3339)
	}
	entry := audit.Entry{Chain: audit.Operators, Act: "rollout:period:" + what, Actor: d.Actor, Subject: p.ID, Network: d.Network, Detail: detail}
	if p.Organization == "" {
		return audit.Record(ctx, tx, d.Keys, entry)
	}
	detail["organization"] = p.Organization
	own := entry
	own.Chain = p.Organization
	return audit.Record(ctx, tx, d.Keys, entry, own)
}

// Extend gives one account a later own end, with its record and a letter to the
// person; a fault of the field "people" says why it may not be.
func (d Deed) Extend(ctx context.Context, tx *store.Tx, planID, emailKey string, until time.Time, reason string) (Open, error) {
	o, enrolled, err := claimed(ctx, tx, emailKey)
	switch {
	case errors.Is(err, store.ErrNone):
		return Open{}, fault.Field("people", "rollout.extend_unknown")
	case err != nil:
		return Open{}, err
	case enrolled:
		return Open{}, fault.Field("people", "rollout.extend_enrolled")
	}
	book, err := ReadBook(ctx, tx)
	if err != nil {
		return Open{}, err
	}
	term, grace := For(book.Of(o.Organization), o.Claim)
	if term.Plan.ID != planID {
		return Open{}, fault.Field("people", "rollout.extend_elsewhere")
	}
	if why := Extends(tx.Now(), term, grace, until); why != "" {
		return Open{}, fault.Field("people", why)
	}
	if err := d.extend(ctx, tx, planID, o.Ref, o.ID, until, reason); err != nil {
		return Open{}, err
	}
	return o, d.tellExtended(ctx, tx, o, until)
}

// ExtendAll gives an organization a later own end, with its record and a letter to
// its Portal Admins; a fault says why it may not be.
func (d Deed) ExtendAll(ctx context.Context, tx *store.Tx, planID, name string, until time.Time, reason string) (organization.Organization, error) {
	o, err := organization.ByName(ctx, tx, name)
	if errors.Is(err, store.ErrNone) {
		return o, fault.Field("organization", "rollout.organization_unknown")
	}
	if err != nil {
		return o, err
	}
	book, err := ReadBook(ctx, tx)
	if err != nil {
		return o, err
	}
	plan, ok := Book{Plans: book.Of(o.ID)}.Find(planID)
	if !ok {
		return o, fmt.Errorf("rollout %s: %w", planID, store.ErrNone)
	}
	if !covers(book.Plans, plan, o.ID) {
		return o, fault.Field("organization", "rollout.extend_elsewhere")
	}
	if why := ExtendsAll(tx.Now(), plan, until); why != "" {
		return o, fault.Field("until", why)
	}
	if err := d.extend(ctx, tx, planID, account.Ref{Organization: o.ID}, o.ID, until, reason); err != nil {
		return o, err
	}
	return o, d.tellOrganization(ctx, tx, o, until)
}

func (d Deed) extend(ctx context.Context, tx *store.Tx, planID string, ref account.Ref, subject string, until time.Time, reason string) error {
	if err := Extend(ctx, tx, planID, ref, until, reason, d.By); err != nil {
		return err
	}
	return audit.Record(ctx, tx, d.Keys, audit.Entry{Chain: ref.Organization, Act: "rollout:extension:given", Actor: d.Actor, Subject: subject,
		Network: d.Network, Detail: map[string]string{"rollout": planID, "until": until.UTC().Format(time.RFC3339), "reason": reason}})
}

package browsertest

import (
	"context"
	"testing"

	"nidan/internal/organization"
	"nidan/internal/phrase"
	"nidan/internal/progress"
	"nidan/internal/store"
)

// organizationScenes are the pages of the register of organizations.
var organizationScenes = []scene{
	{name: "organizations", status: 200, lead: func(b *tab) { b.registering(); b.open("/operator/organizations") }},
	{name: "organization-new-wrong", status: 422, posted: true, lead: func(b *tab) {
		b.registering()
		b.open("/operator/organizations/new")
		b.fill("organization", "Umi Foods", "email", "nobody")
	}},
	{name: "organization", status: 200, lead: func(b *tab) { b.open(b.registering()) }},
	{name: "organization-unled", status: 200, lead: func(b *tab) { b.registering(); b.open(b.unled()) }},
	{name: "organization-suspend", status: 200, lead: func(b *tab) { b.open(b.registering() + "/suspend") }},
	{name: "organization-return", status: 200, posted: true, lead: func(b *tab) {
		place := b.registering()
		b.open(place + "/suspend")
		b.press("main form .danger")
		b.open(place + "/return")
	}},
}

// registering is an operator signed in, and the page of an organization with Portal
// Admins in several states.
func (b *tab) registering() string {
	b.Helper()
	able := b.person("Sven Berg", admin, withApp)
	b.person("Hanako Sato", admin)
	b.enter(b.staff())
	if _, err := progress.Fold(context.Background(), b.db); err != nil {
		b.Fatal(err)
	}
	return "/operator/organizations/" + able.Organization
}

// unled is the page of an organization that nobody leads.
func (b *tab) unled() string {
	b.Helper()
	var o organization.Organization
	b.write(func(ctx context.Context, tx *store.Tx) (err error) {
		o, err = organization.Add(ctx, tx, "Umi Foods")
		return err
	})
	return "/operator/organizations/" + o.ID
}

func TestThePagesOfOrganizationsAreWholeInBothLanguages(t *testing.T) {
	t.Parallel()
	for _, one := range organizationScenes {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			b := build(t).tab(phrase.English)
			one.lead(b)
			b.examine(one)
			b = build(t).tab(phrase.Japanese)
			one.lead(b)
			b.examine(one)
		})
	}
}

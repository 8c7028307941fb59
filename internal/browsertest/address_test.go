package browsertest

import (
	"context"
	"testing"

	"nidan/internal/phrase"
	"nidan/internal/store"
)

// addressScenes are the pages where an address changes.
var addressScenes = []scene{
	{name: "address-own", status: 200, lead: func(b *tab) { b.enter(b.member(withApp)); b.open("/profile/address") }},
	{name: "address-own-open", status: 200, lead: func(b *tab) { b.moving(); b.open("/profile/address") }},
	{name: "address-link", status: 200, lead: func(b *tab) { b.open(b.moving()) }},
	{name: "address-done", status: 200, lead: func(b *tab) { b.open(b.moving()); b.press(primary) }},
	{name: "address-dead", status: 404, lead: func(b *tab) { b.now(during); b.open("/address/none") }},
	{name: "address-person", status: 200, lead: func(b *tab) { b.open(b.governing() + "/address") }},
	{name: "address-person-open", status: 200, mixed: true, lead: func(b *tab) {
		b.open(b.governing() + "/address")
		b.fill("email", "taro.new@aozora.example")
	}},
	{name: "address-correction", status: 200, lead: func(b *tab) { b.open(b.correcting()) }},
	{name: "address-correction-waits", status: 200, lead: func(b *tab) { b.corrected() }},
	{name: "address-correction-over", status: 200, lead: func(b *tab) {
		page := b.corrected()
		b.write(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `update address_change set asked_at = asked_at - 86400000000, waits_until = waits_until - 86400000000`)
			return err
		})
		b.open(page)
	}},
	{name: "address-corrections", status: 200, lead: func(b *tab) { b.corrected(); b.open("/operator/addresses") }},
}

// moving is somebody signed in who has asked for another address, and the link of it.
func (b *tab) moving() string {
	b.Helper()
	b.enter(b.member(withApp))
	b.open("/profile/address")
	b.fill("email", "hanako.new@aozora.example")
	return b.sink.link("hanako.new@aozora.example", 0)
}

// correcting is an operator signed in, and the page of a correction.
func (b *tab) correcting() string {
	b.Helper()
	lost := b.person("Hanako Sato", admin, withApp)
	b.person("Sven Berg", admin, withApp)
	b.enter(b.staff())
	return "/operator/addresses/" + lost.Organization + "/" + lost.ID
}

// corrected is correcting, and asked for.
func (b *tab) corrected() string {
	b.Helper()
	page := b.correcting()
	b.open(page)
	b.fill("email", "hanako.new@aozora.example", "ticket", "T-123", "why", "the mailbox was closed")
	return page
}

func TestThePagesOfAddressesAreWholeInBothLanguages(t *testing.T) {
	t.Parallel()
	for _, one := range addressScenes {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			for _, lang := range phrase.Langs {
				b := build(t).tab(lang)
				one.lead(b)
				b.examine(one)
			}
		})
	}
}

package browsertest

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"

	"nidan/internal/account"
	"nidan/internal/pass"
	"nidan/internal/phrase"
	"nidan/internal/store"
)

// passScenes are the pages where a pass is used and given, and the list of accounts.
var passScenes = []scene{
	{name: "pass", status: 200, lead: func(b *tab) { b.signIn(b.member(withApp)); b.open("/pass") }},
	{name: "pass-wrong", status: 422, posted: true, lead: func(b *tab) {
		b.signIn(b.member(withApp))
		b.open("/pass")
		b.fill("code", "AAAA-BBBB-CCCC")
	}},
	{name: "pass-link", status: 200, lead: func(b *tab) { b.signIn(b.member(withApp)); b.open("/pass/x") }},
	{name: "pass-link-stranger", status: 200, lead: func(b *tab) { b.now(during); b.open("/pass/x") }},
	{name: "pass-link-dead", status: 404, posted: true, lead: func(b *tab) { b.signIn(b.member(withApp)); b.open("/pass/x"); b.press(primary) }},
	{name: "pass-late", status: 403, posted: true, lead: func(b *tab) {
		p := b.member()
		b.now(ends)
		b.signIn(p)
	}},
	{name: "accounts-few", status: 200, mixed: true, lead: func(b *tab) { b.governing(); b.open("/accounts") }},
	{name: "accounts-none", status: 200, lead: func(b *tab) { b.governing(); b.open("/accounts?q=nobody") }},
	{name: "account", status: 200, lead: func(b *tab) { b.open(b.governing()) }},
	{name: "account-method", status: 200, lead: func(b *tab) { b.open(b.governing() + "/method") }},
	{name: "account-pass", status: 200, lead: func(b *tab) { b.open(b.governing() + "/pass") }},
	{name: "account-pass-handed", status: 200, posted: true, lead: func(b *tab) {
		b.open(b.governing() + "/pass")
		b.do(chromedp.Click(chromedp.CSS("input[value=hand]")))
		b.fill("why", "lost the phone")
	}},
	{name: "account-pass-mailotp", status: 200, lead: func(b *tab) {
		p := b.person("Mia Sato", withMail)
		b.governing()
		b.open("/accounts/" + p.ID + "/pass")
	}},
	{name: "accounts-passes", status: 200, lead: func(b *tab) {
		b.governing()
		b.open("/accounts")
		b.do(chromedp.Click(chromedp.CSS("tbody input[type=checkbox]")))
		b.press(".scroll + .actions button")
	}},
	{name: "operator-passes", status: 200, lead: func(b *tab) { b.asking(); b.open("/operator/passes") }},
	{name: "operator-passes-found", status: 200, lead: func(b *tab) { b.asking(); b.open("/operator/passes?q=hanako") }},
	{name: "operator-pass-tell", status: 200, lead: func(b *tab) { b.open(b.asking()) }},
	{name: "operator-pass-waits", status: 200, lead: func(b *tab) {
		b.open(b.asking())
		b.fill("ticket", "T-123", "why", "lost the phone")
	}},
}

// governing is a Portal Admin signed in by two steps, and the page of a colleague
// who has an open pass.
func (b *tab) governing() string {
	b.Helper()
	taro := b.person("Taro Abe")
	me := b.member(admin, withApp)
	b.write(func(ctx context.Context, tx *store.Tx) error {
		_, _, err := pass.GiveByHand(ctx, tx, b.keys, taro.Ref, pass.Given{By: me.ID, Why: "lost the phone"})
		return err
	})
	b.enter(me)
	return "/accounts/" + taro.ID
}

// asking is an operator signed in, and the page of a Portal Admin beside whom there
// is another able one.
func (b *tab) asking() string {
	b.Helper()
	b.person("Sven Berg", admin, withApp)
	lost := b.person("Hanako Sato", admin, withApp)
	o := b.staff()
	b.write(func(ctx context.Context, tx *store.Tx) error {
		_, _, err := pass.GiveByHand(ctx, tx, b.keys, account.Ref{Organization: lost.Organization, ID: lost.ID},
			pass.Given{By: o.ID, Why: "missed the end", Ticket: "T-99"})
		return err
	})
	b.enter(o)
	return "/operator/passes/" + lost.Organization + "/" + lost.ID
}

func TestThePagesOfPassesAreWholeInBothLanguages(t *testing.T) {
	t.Parallel()
	for _, one := range passScenes {
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

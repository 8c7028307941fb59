package browsertest

import (
	"context"
	"testing"

	"nidan/internal/phrase"
	"nidan/internal/store"
)

// peopleScenes are the pages of a Portal Admin at work on somebody's account.
var peopleScenes = []scene{
	{name: "accounts-one-step", status: 200, lead: func(b *tab) { b.person("Taro Abe"); b.signIn(b.member(admin)); b.open("/accounts") }},
	{name: "account-one-step", status: 200, lead: func(b *tab) {
		p := b.person("Taro Abe")
		b.signIn(b.member(admin))
		b.open("/accounts/" + p.ID)
	}},
	{name: "account-new", status: 200, lead: func(b *tab) { b.governing(); b.open("/accounts/new") }},
	{name: "account-new-wrong", status: 422, posted: true, lead: func(b *tab) {
		b.governing()
		b.open("/accounts/new")
		b.fill("email", "taro.abe@aozora.example", "time_zone", "Mars")
	}},
	{name: "account-edit", status: 200, lead: func(b *tab) {
		p := b.person("Sven Berg", admin, withMail)
		b.governing()
		b.open("/accounts/" + p.ID + "/edit")
	}},
	{name: "account-delete", status: 200, lead: func(b *tab) {
		p := b.person("Sven Berg", admin, withApp)
		b.governing()
		b.open("/accounts/" + p.ID + "/delete")
	}},
	{name: "account-request", status: 200, lead: func(b *tab) { b.open(b.asks() + "/request") }},
}

// asks is a Portal Admin signed in, and the page of somebody for whom an import asked
// for MailOTP.
func (b *tab) asks() string {
	b.Helper()
	at := b.governing()
	b.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `update account set preset = 'mailotp' where id = $1`, at[len("/accounts/"):])
		return err
	})
	return at
}

func TestThePagesOfPeopleAreWholeInBothLanguages(t *testing.T) {
	t.Parallel()
	for _, one := range peopleScenes {
		t.Run(one.name, func(t *testing.T) {
			t.Parallel()
			b := build(t).tab(phrase.English)
			one.lead(b)
			b.examine(one)
			if b.speak(phrase.Japanese); one.posted {
				b = build(t).tab(phrase.Japanese)
				one.lead(b)
			} else {
				b.open(b.path())
			}
			b.examine(one)
		})
	}
}

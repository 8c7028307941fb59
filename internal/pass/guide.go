package pass

import (
	"context"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/mail"
	"nidan/internal/session"
	"nidan/internal/store"
)

// Guide gives a starting guide to an account that was never enrolled, after the
// table of acts has said that the visitor may: the pass, its one record, and the
// letter with the link. An older guide is replaced by it.
func (d *Desk) Guide(ctx context.Context, tx *store.Tx, v *session.Visit, to account.Account) (Pass, error) {
	by := ByAdmin
	if v.Operator() {
		by = ByOperator
	}
	return d.GuideFrom(ctx, tx, Sender{ID: v.Ref.ID, Name: v.Person.Name, As: by, Actor: v.Actor(), Network: v.From}, to)
}

// Sender is who gives a starting guide: a visitor, or somebody at the console.
type Sender struct {
	ID      string // as columns keep it
	Name    string // as the letter says it
	As      By
	Actor   audit.Actor
	Network string
}

// GuideFrom is Guide for a sender who need not be at a page.
func (d *Desk) GuideFrom(ctx context.Context, tx *store.Tx, from Sender, to account.Account) (Pass, error) {
	token, p, err := Give(ctx, tx, to.Ref, Guide, Given{By: from.ID, Why: "starting guide"})
	if err != nil {
		return Pass{}, err
	}
	err = audit.Record(ctx, tx, d.Keys, audit.Entry{Chain: to.Organization, Act: "account:guide:given", Actor: from.Actor, Subject: to.ID,
		Network: from.Network, Detail: map[string]string{"pass": p.ID, "until": p.Expires.UTC().Format(time.RFC3339)}})
	if err != nil {
		return Pass{}, err
	}
	return p, mail.Queue(ctx, tx, d.Keys, d.GuideLetter(to, token, p, from.As, from.Name))
}

// By is on whose behalf a starting guide comes, as its letter says.
type By string

// Those who give one.
const (
	ByAdmin    By = "admin"
	ByOperator By = "operator"
	ByImport   By = "import" // of many people, by whichever operator
)

// GuideLetter is the letter that brings a starting guide. Who has been given many
// at once puts it into the bulk lane.
func (d *Desk) GuideLetter(to account.Account, token string, p Pass, by By, who string) mail.Letter {
	say := d.Site.Speaker(to.Language, to.Location())
	args := []any{"name", to.Name, "portal", d.Site.Name, "until", say.Moment(p.Expires),
		"who", say.T("pass.giver_"+string(by), "name", who), "link", d.BaseURL + "/start/" + token}
	return mail.Letter{Organization: to.Organization, Holder: to.ID, Lane: mail.Notice, Kind: "starting-guide",
		To: to.Email, Language: to.Language, Expires: p.Expires,
		Subject: say.T("pass.guide_subject", args...), Text: say.T("pass.guide_text", args...)}
}

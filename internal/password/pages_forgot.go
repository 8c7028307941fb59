package password

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/limit"
	"nidan/internal/page"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
)

// How often a link may be asked for. A network's allowance has room for an office
// behind one address. An account's counts letters sent, not guesses: nobody who
// types an address keeps its owner from a letter.
var (
	perNetwork = limit.Rate{Burst: 30, Every: time.Minute}
	perAccount = limit.Rate{Burst: 4, Every: 15 * time.Minute}
)

type forgotView struct {
	page.View
	Email, Name, Phone string
}

func (m *Room) showForgot(w http.ResponseWriter, r *http.Request) error {
	return m.forgot(w, r, http.StatusOK, &forgotView{})
}

func (m *Room) forgot(w http.ResponseWriter, r *http.Request, status int, view *forgotView) error {
	return m.page.Show(w, r, status, "forgot", "password.forgot_title", view)
}

// postForgot answers alike whoever was typed: one page, the same statements, no
// hash. Only what was left out or is no address is told, which says nothing of
// anybody.
func (m *Room) postForgot(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	view := &forgotView{
		Email: form.Need("email", "password.email_missing"),
		Name:  form.Need("name", "password.name_missing"),
		Phone: form.Need("phone", "password.phone_missing"),
	}
	if view.Email != "" && account.Key(view.Email) == "" {
		form.Fault("email", "password.email_shape")
	}
	if !form.OK() {
		view.Faults = form.Faults()
		return m.forgot(w, r, http.StatusUnprocessableEntity, view)
	}
	again, err := m.seek(r.Context(), view, session.Of(r.Context()).From)
	if err != nil {
		return err
	}
	if !again.IsZero() {
		now := m.Site.Now()
		page.RetryAfter(w, now, again)
		view.Faults = []*fault.Fault{fault.Field("", "password.forgot_often", "wait", m.Site.Speak(r).Span(again.Sub(now)))}
		return m.forgot(w, r, http.StatusTooManyRequests, view)
	}
	m.Wake() // whether or not there is a letter
	return page.See(w, "/password/forgot/sent")
}

func (m *Room) showSent(w http.ResponseWriter, r *http.Request) error {
	return m.page.Show(w, r, http.StatusOK, "sent", "password.sent_title", &struct{ page.View }{})
}

// seek counts the try, compares what was typed with the record, and sends a link
// to who was identified. again is when this network may ask next, if not now.
func (m *Room) seek(ctx context.Context, typed *forgotView, from string) (again time.Time, err error) {
	key := account.Key(typed.Email)
	err = m.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var err error
		if again, err = limit.Try(ctx, tx, m.allowance("network", from, perNetwork)); err != nil || !again.IsZero() {
			return err
		}
		owner, err := sought(ctx, tx, key)
		if err != nil {
			return err
		}
		why := ""
		switch {
		case !owner.Identified(typed.Email, typed.Name, typed.Phone):
			why = "not identified"
		case !owner.Resettable():
			why = "not open to this account"
		}
		return m.answer(ctx, tx, owner, key, from, why)
	})
	return again, err
}

// answer sends the link, or does as much for nothing. why is empty for who was identified.
func (m *Room) answer(ctx context.Context, tx *store.Tx, owner Owner, key, from, why string) error {
	letters := m.allowance("letters", key, perAccount)
	if why != "" {
		letters = m.allowance("no letters", key, perAccount)
	}
	full, err := limit.Try(ctx, tx, letters)
	if err != nil {
		return err
	}
	entry := audit.Entry{Chain: owner.Organization, Act: "account:reset:denied", Subject: owner.ID,
		Actor: audit.Actor{Kind: audit.KindStranger, ID: "-"}, Network: from, Detail: map[string]string{"why": why}}
	switch {
	case why != "":
		err = waste(ctx, tx, 3)
	case !full.IsZero(): // the newest link stays good
		entry.Detail["why"] = "enough letters"
		err = waste(ctx, tx, 3)
	default:
		entry.Act, entry.Detail = "account:reset:asked", nil
		err = m.sendLink(ctx, tx, owner, from)
	}
	if err != nil {
		return err
	}
	if entry.Chain == "" {
		entry.Chain, entry.Subject = audit.Operators, "-"
	}
	return audit.Record(ctx, tx, m.Keys, entry)
}

func (m *Room) sendLink(ctx context.Context, tx *store.Tx, owner Owner, from string) error {
	token, expires, err := ask(ctx, tx, owner.Ref)
	if err != nil {
		return err
	}
	return m.linkLetter(ctx, tx, owner.Account, m.BaseURL+"/password/reset/"+token, expires, from)
}

// allowance names a counter by a keyed digest: neither an address nor a network
// stands in it.
func (m *Room) allowance(what, of string, rate limit.Rate) limit.Key {
	digest := m.Keys.Digest(secret.ForAddress, "password reset", what, of)
	return limit.Key{Name: "reset:" + hex.EncodeToString(digest[:16]), Rate: rate}
}

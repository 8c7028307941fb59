package contact

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"
	"unicode/utf8"

	"nidan/internal/account"
	"nidan/internal/fault"
	"nidan/internal/limit"
	"nidan/internal/mail"
	"nidan/internal/page"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/ticket"
)

// How often the form may be sent. A network's allowance has room for an office
// behind one address; an address's keeps the desk's queue, and when it is used up
// the desk's own mail address still stands on the page.
var (
	perNetwork = limit.Rate{Burst: 10, Every: 6 * time.Minute}
	perAddress = limit.Rate{Burst: 5, Every: 30 * time.Minute}
)

// post makes a ticket of what somebody asks, and answers alike whoever is typed: the
// same page, the same statements, no look at the account. Only what was left out or
// is no address is told, which says nothing of anybody.
func (rm *Room) post(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	q := ticket.Question{Email: form.Need("email", "contact.email_missing"), Name: form.Need("name", "contact.name_missing"),
		Summary: form.Need("summary", "contact.summary_missing"), Detail: form.Lines("detail"),
		Language: string(page.Lang(r)), Network: session.Of(r.Context()).From}
	if q.Email != "" && (account.Key(q.Email) == "" || mail.Addressable(q.Email) != nil) {
		form.Fault("email", "contact.email_shape")
	}
	if utf8.RuneCountInString(q.Summary) > ticket.LongSummary {
		form.Fault("summary", "page.field_long", "n", ticket.LongSummary)
	}
	if q.Detail == "" && !form.Wrong("detail") {
		form.Fault("detail", "contact.detail_missing")
	}
	if !form.OK() {
		return rm.again(w, r, http.StatusUnprocessableEntity, form, form.Faults())
	}
	q.Form = rm.Desk.FormOf("contact", form.Typed("form"), account.Key(q.Email), q.Name, q.Summary, q.Detail)
	if form.Typed("form") == "" {
		q.Form = secret.ID() // no form of ours: new each time
	}
	n, again, err := rm.ask(r.Context(), q)
	if err != nil {
		return err
	}
	if !again.IsZero() {
		now := rm.Site.Now()
		page.RetryAfter(w, now, again)
		often := fault.Field("", "contact.often", "wait", rm.Site.Speak(r).Span(again.Sub(now)), "contact", rm.Site.Contact)
		return rm.again(w, r, http.StatusTooManyRequests, form, []*fault.Fault{often})
	}
	rm.Wake()
	return page.See(w, "/contact?sent="+n.String())
}

// ask counts the try and makes the ticket. again is when it may be tried next, if
// not now; a second press of the button costs nothing and makes nothing.
func (rm *Room) ask(ctx context.Context, q ticket.Question) (n ticket.Number, again time.Time, err error) {
	err = rm.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var made bool
		if n, made, err = rm.Desk.Made(ctx, tx, q.Form); err != nil || made {
			return err
		}
		if again, err = limit.Try(ctx, tx, rm.allowance("network", q.Network, perNetwork)); err != nil || !again.IsZero() {
			return err
		}
		if again, err = limit.Try(ctx, tx, rm.allowance("address", account.Key(q.Email), perAddress)); err != nil || !again.IsZero() {
			return err
		}
		n, err = rm.Desk.FromContact(ctx, tx, q)
		return err
	})
	return n, again, err
}

// allowance names a counter by a keyed digest: neither an address nor a network
// stands in it.
func (rm *Room) allowance(what, of string, rate limit.Rate) limit.Key {
	digest := rm.Desk.Keys.Digest(secret.ForAddress, "contact", what, of)
	return limit.Key{Name: "contact:" + hex.EncodeToString(digest[:16]), Rate: rate}
}

package network

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/audit"
	"nidan/internal/mail"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

// perPage is how many accounts a page of the list shows, and one form can switch.
const perPage = 25

func escape(text string) string { return url.QueryEscape(text) }

type accountsView struct {
	page.View
	Accounts []account.Checked
	Typed    string
	Shows    []page.Option
	Me       string
	Next     string
	First    string
	All      bool
}

func (rm *Room) accounts(w http.ResponseWriter, r *http.Request) error {
	v, query := session.Of(r.Context()), r.URL.Query()
	typed, show, after := clip(query.Get("q")), query.Get("show"), query.Get("after")
	if show != "on" && show != "off" {
		show = ""
	}
	if !plainID(after) {
		after = ""
	}
	list, err := account.CheckedList(r.Context(), rm.DB, v.Ref.Organization, pattern(account.NameKey(typed)), show, after, perPage+1)
	if err != nil {
		return err
	}
	view := &accountsView{Accounts: list, Typed: typed, Me: v.Ref.ID, All: typed == "" && show == ""}
	address := func(after string) string {
		return addressOf("/networks/accounts", "q", typed, "show", show, "after", after)
	}
	if len(list) > perPage {
		view.Accounts, view.Next = list[:perPage], address(list[perPage-1].ID)
	}
	if after != "" {
		view.First = address("")
	}
	say := rm.Site.Speak(r)
	for _, one := range []string{"", "on", "off"} {
		view.Shows = append(view.Shows, page.Option{Value: one, Label: say.T("network.show_" + one), Checked: one == show})
	}
	view.Notice = rm.done(r)
	return rm.page.Show(w, r, http.StatusOK, "accounts", "network.accounts_title", view)
}

// addressOf is a path with those of the values that are not empty.
func addressOf(path string, pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

// clip makes what came by an address short and fit for the store.
func clip(text string) string {
	runes := []rune(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || c == unicode.ReplacementChar {
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, "")))
	return string(runes[:min(len(runes), 100)])
}

// among finds the accounts of a list of ids in the visitor's own organization; those
// it has not are left out.
func among(ctx context.Context, r store.Reader, ids []string) ([]account.Checked, error) {
	v := session.Of(ctx)
	if v.Operator() || v.Ref.Organization == "" {
		return nil, errNobody
	}
	var plain []string
	for _, id := range ids[:min(len(ids), perPage)] {
		if plainID(id) {
			plain = append(plain, id)
		}
	}
	list, err := account.CheckedAmong(ctx, r, v.Ref.Organization, plain)
	if err == nil && len(list) == 0 {
		err = errNobody
	}
	return list, err
}

// switching is what switching the check of some accounts would do.
func switching(ctx context.Context, r store.Reader, v *session.Visit, list []account.Checked, on bool) (Shut, error) {
	if !on {
		return Shut{}, nil // nobody is shut out by a check that ends
	}
	permitted, err := account.Networks(ctx, r, v.Ref.Organization)
	if err != nil {
		return Shut{}, err
	}
	changed := map[string]bool{}
	admins := false
	for _, c := range list {
		changed[c.ID] = true
		admins = admins || c.Authority == account.PortalAdmin
	}
	if !admins { // the Portal Admins stand as they stood
		return Shut{}, nil
	}
	return shutsOut(ctx, r, v, permitted, changed, on)
}

func (rm *Room) showCheck(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	if len(query["id"]) == 0 {
		return page.See(w, "/networks/accounts?done=nobody")
	}
	list, err := among(r.Context(), rm.DB, query["id"])
	if err != nil {
		return err
	}
	on := query.Get("check") == "on"
	shut, err := switching(r.Context(), rm.DB, session.Of(r.Context()), list, on)
	if err != nil {
		return err
	}
	return rm.sureOf(w, r, shut, list, on)
}

func (rm *Room) sureOf(w http.ResponseWriter, r *http.Request, shut Shut, list []account.Checked, on bool) error {
	view := &sureView{Shut: shut, Act: word(on), People: list}
	var ids []string
	for _, c := range list {
		ids = append(ids, c.ID)
	}
	view.IDs = strings.Join(ids, ",")
	return rm.sure(w, r, view)
}

func word(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// postCheck switches the check of some accounts, all of them or none.
func (rm *Room) postCheck(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	ids, meant, on := strings.Split(form.Text("ids"), ","), form.Text("meant"), form.Text("check") == "on"
	if !on && form.Text("check") != "off" {
		return page.See(w, "/networks/accounts")
	}
	var list []account.Checked
	done := "same"
	err = rm.decide(r.Context(), act.CheckNetworks, func(ctx context.Context, tx *store.Tx, v *session.Visit) (err error) {
		if list, err = among(ctx, tx, ids); err != nil {
			return err
		}
		for _, c := range list {
			whom := act.Whom{Ref: c.Ref, Authority: c.Authority, Suspended: !c.Suspended.IsZero()}
			if err := may(act.CheckNetworks, v, tx.Now(), whom); err != nil {
				return err
			}
		}
		shut, err := switching(ctx, tx, v, list, on)
		if err != nil {
			return err
		}
		if shut.Any() && meant != shut.Key() {
			return shutOut{shut}
		}
		done = "same"
		for _, c := range list {
			if c.On == on {
				continue
			}
			done = word(on)
			if err := rm.check(ctx, tx, v, c, on, shut); err != nil {
				return err
			}
		}
		return nil
	})
	if shut := (shutOut{}); errors.As(err, &shut) {
		return rm.sureOf(w, r, shut.Shut, list, on)
	}
	if err != nil {
		return err
	}
	return page.See(w, "/networks/accounts?done="+done)
}

// check switches one account's check: recorded, and its owner told.
func (rm *Room) check(ctx context.Context, tx *store.Tx, v *session.Visit, c account.Checked, on bool, shut Shut) error {
	if err := account.CheckNetworks(ctx, tx, c.Ref, on); err != nil {
		return err
	}
	entry := audit.Entry{Chain: c.Organization, Act: actOf[word(on)], Actor: v.Actor(), Subject: c.ID, Network: v.From}
	if shut.Any() {
		entry.Detail = map[string]string{"meant": shut.Key()}
	}
	if err := audit.Record(ctx, tx, rm.Keys, entry); err != nil {
		return err
	}
	return mail.Queue(ctx, tx, rm.Keys, rm.letter(c.Account, v, tx.Now(), word(on), nil))
}

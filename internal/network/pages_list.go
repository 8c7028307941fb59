package network

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"unicode/utf8"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

// longest bounds a description, in characters.
const longest = 100

type listView struct {
	page.View
	Networks []account.Network
	Here     netip.Addr // of this request
	Inside   bool       // it is in one of them
	Checked  int64      // accounts whose network is checked
	Full     bool
}

func (rm *Room) list(w http.ResponseWriter, r *http.Request) error {
	v := session.Of(r.Context())
	networks, err := account.PermittedNetworks(r.Context(), rm.DB, v.Ref.Organization)
	if err != nil {
		return err
	}
	o, err := counts(r.Context(), rm.DB, v.Ref.Organization)
	if err != nil {
		return err
	}
	view := &listView{Networks: networks, Here: v.Address.Unmap(), Checked: o.Accounts, Full: len(networks) >= Most}
	view.Inside = account.Permits(account.Prefixes(networks), v.Address)
	view.Notice = rm.done(r)
	return rm.page.Show(w, r, http.StatusOK, "list", "network.title", view)
}

// done is what a deed that led here has to say; the address only chooses among
// sentences of our own.
func (rm *Room) done(r *http.Request) string {
	query, say := r.URL.Query(), rm.Site.Speak(r)
	typed, why := Parse(query.Get("network"))
	switch done := query.Get("done"); done {
	case "added":
		if why != "" {
			return ""
		}
		text := say.T("network.done_added", "network", typed.Prefix.String())
		if query.Get("masked") != "" {
			text += say.T("network.done_masked")
		}
		if other, why := Parse(query.Get("beside")); why == "" {
			text += say.T("network.done_beside", "network", other.Prefix.String())
		}
		return text
	case "described", "removed", "on", "off", "same", "nobody":
		return say.T("network.done_" + done)
	}
	return ""
}

type oneView struct {
	page.View
	Network     string
	Description string
	ID          string
	New         bool
	Here        netip.Addr
}

func (rm *Room) showNew(w http.ResponseWriter, r *http.Request) error {
	return rm.one(w, r, http.StatusOK, &oneView{New: true}, nil)
}

func (rm *Room) one(w http.ResponseWriter, r *http.Request, status int, view *oneView, faults []*fault.Fault) error {
	view.Faults, view.Here = faults, session.Of(r.Context()).Address.Unmap()
	title := "network.change_title"
	if view.New {
		title = "network.new_title"
	}
	return rm.page.Show(w, r, status, "one", title, view)
}

// described reads a description.
func described(form *page.Form) string {
	text := form.Need("description", "network.description_missing")
	if utf8.RuneCountInString(text) > longest {
		form.Fault("description", "page.field_long", "n", longest)
	}
	return text
}

func (rm *Room) postNew(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	view := &oneView{New: true, Network: form.Need("network", "network.network_missing")}
	typed, why := Parse(view.Network)
	if why != "" && view.Network != "" {
		form.Fault("network", string(why))
	}
	view.Description = described(form)
	if !form.OK() {
		return rm.one(w, r, http.StatusUnprocessableEntity, view, form.Faults())
	}
	beside, err := rm.add(r.Context(), typed.Prefix, view.Description)
	if f := fault.Of(err); f != nil && f.Field != "" {
		return rm.one(w, r, http.StatusUnprocessableEntity, view, []*fault.Fault{f})
	}
	if err != nil {
		return err
	}
	to := "/networks?done=added&network=" + escape(typed.Prefix.String())
	if typed.Masked {
		to += "&masked=1"
	}
	if beside != "" {
		to += "&beside=" + escape(beside)
	}
	return page.See(w, to)
}

// add permits one more network, and answers which other one holds it or lies in it.
func (rm *Room) add(ctx context.Context, prefix netip.Prefix, description string) (beside string, err error) {
	err = rm.decide(ctx, act.ChangeNetworks, func(ctx context.Context, tx *store.Tx, v *session.Visit) error {
		beside = ""
		networks, err := account.PermittedNetworks(ctx, tx, v.Ref.Organization)
		if err != nil {
			return err
		}
		for _, n := range networks {
			if n.Prefix == prefix {
				return fault.Field("network", "network.twice", "network", prefix.String())
			}
		}
		if len(networks) >= Most {
			return fault.Field("network", "network.too_many", "n", Most)
		}
		if other, found := Overlap(networks, prefix); found {
			beside = other.Prefix.String()
		}
		if err := account.Permit(ctx, tx, v.Ref.Organization, prefix, description); err != nil {
			return err
		}
		return rm.tell(ctx, tx, v, v.Ref.Organization, "added", v.Ref.Organization,
			map[string]string{"network": prefix.String(), "description": description})
	})
	return beside, err
}

// find is a network of the visitor's own organization, with all of them.
func find(ctx context.Context, r store.Reader, id string) (one account.Network, all []account.Network, err error) {
	v := session.Of(ctx)
	if v.Operator() || v.Ref.Organization == "" || !plainID(id) {
		return one, nil, errNone
	}
	if all, err = account.PermittedNetworks(ctx, r, v.Ref.Organization); err != nil {
		return one, nil, err
	}
	for _, n := range all {
		if n.ID == id {
			return n, all, nil
		}
	}
	return one, nil, errNone
}

func (rm *Room) showOne(w http.ResponseWriter, r *http.Request) error {
	n, _, err := find(r.Context(), rm.DB, r.PathValue("id"))
	if err != nil {
		return err
	}
	return rm.one(w, r, http.StatusOK, &oneView{Network: n.Written, Description: n.Description, ID: n.ID}, nil)
}

// postOne changes what is said of a network; the network itself stays.
func (rm *Room) postOne(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	n, _, err := find(r.Context(), rm.DB, r.PathValue("id"))
	if err != nil {
		return err
	}
	view := &oneView{Network: n.Written, ID: n.ID, Description: described(form)}
	if !form.OK() {
		return rm.one(w, r, http.StatusUnprocessableEntity, view, form.Faults())
	}
	done := "described"
	err = rm.decide(r.Context(), act.ChangeNetworks, func(ctx context.Context, tx *store.Tx, v *session.Visit) error {
		now, _, err := find(ctx, tx, n.ID)
		if err != nil {
			return err
		}
		if done = "described"; now.Description == view.Description {
			done = "same"
			return nil
		}
		if err := account.DescribeNetwork(ctx, tx, v.Ref.Organization, now.ID, view.Description); err != nil {
			return err
		}
		return rm.tell(ctx, tx, v, v.Ref.Organization, "described", v.Ref.Organization,
			map[string]string{"network": now.Written, "description": view.Description, "was": now.Description})
	})
	if err != nil {
		return err
	}
	return page.See(w, "/networks?done="+done)
}

// shutOut is a change that was not saved, for whom it would shut out.
type shutOut struct{ Shut }

func (shutOut) Error() string { return "somebody would be shut out" }

type sureView struct {
	page.View
	Shut
	Act    string // "remove", "on" or "off"
	Text   string // network, or nothing
	About  string
	People []account.Checked
	IDs    string
	Here   netip.Addr
}

func (rm *Room) sure(w http.ResponseWriter, r *http.Request, view *sureView) error {
	view.Here = session.Of(r.Context()).Address.Unmap()
	return rm.page.Show(w, r, http.StatusOK, "sure", "network.sure_"+view.Act, view)
}

// removing is what a removal would leave.
func removing(ctx context.Context, r store.Reader, v *session.Visit, all []account.Network, id string) (Shut, error) {
	var left []account.Network
	for _, n := range all {
		if n.ID != id {
			left = append(left, n)
		}
	}
	return shutsOut(ctx, r, v, account.Prefixes(left), nil, true)
}

// shutsOut asks the rule with what the records show, with the check of some accounts
// as it would be.
func shutsOut(ctx context.Context, r store.Reader, v *session.Visit, permitted []netip.Prefix, changed map[string]bool, on bool) (Shut, error) {
	list, err := leaders(ctx, r, v.Ref.Organization, v.Seen)
	if err != nil {
		return Shut{}, err
	}
	a := After{Permitted: permitted, Leaders: list, Self: v.Ref.ID, Client: v.Address}
	for i, l := range a.Leaders {
		if changed[l.ID] {
			a.Leaders[i].Checked = on
		}
		if l.ID == v.Ref.ID {
			a.Checked = a.Leaders[i].Checked
		}
	}
	return ShutsOut(a), nil
}

func (rm *Room) showRemove(w http.ResponseWriter, r *http.Request) error {
	n, all, err := find(r.Context(), rm.DB, r.PathValue("id"))
	if err != nil {
		return err
	}
	shut, err := removing(r.Context(), rm.DB, session.Of(r.Context()), all, n.ID)
	if err != nil {
		return err
	}
	return rm.sure(w, r, &sureView{Shut: shut, Act: "remove", Text: n.Written, About: n.Description})
}

func (rm *Room) postRemove(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	meant := form.Text("meant")
	var n account.Network
	err = rm.decide(r.Context(), act.ChangeNetworks, func(ctx context.Context, tx *store.Tx, v *session.Visit) (err error) {
		var all []account.Network
		if n, all, err = find(ctx, tx, r.PathValue("id")); err != nil {
			return err
		}
		shut, err := removing(ctx, tx, v, all, n.ID)
		if err != nil {
			return err
		}
		if shut.Any() && meant != shut.Key() {
			return shutOut{shut}
		}
		if err := account.Forbid(ctx, tx, v.Ref.Organization, n.ID); err != nil {
			return err
		}
		return rm.tell(ctx, tx, v, v.Ref.Organization, "removed", v.Ref.Organization,
			map[string]string{"network": n.Written, "description": n.Description, "meant": shut.Key()})
	})
	if shut := (shutOut{}); errors.As(err, &shut) {
		return rm.sure(w, r, &sureView{Shut: shut.Shut, Act: "remove", Text: n.Written, About: n.Description})
	}
	if err != nil {
		return err
	}
	return page.See(w, "/networks?done=removed")
}

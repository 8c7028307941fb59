package network

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/fault"
	"nidan/internal/organization"
	"nidan/internal/page"
	"nidan/internal/session"
	"nidan/internal/store"
)

type organizationsView struct {
	page.View
	List  []checkedOrganization
	Typed string
	Next  string
	First string
}

func (rm *Room) organizations(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	typed, after := clip(query.Get("q")), query.Get("after")
	if !plainID(after) {
		after = ""
	}
	list, err := checking(r.Context(), rm.DB, pattern(organization.NameKey(typed)), after, perPage+1)
	if err != nil {
		return err
	}
	view := &organizationsView{List: list, Typed: typed}
	if len(list) > perPage {
		view.List = list[:perPage]
		view.Next = addressOf("/operator/networks", "q", typed, "after", list[perPage-1].ID)
	}
	if after != "" {
		view.First = addressOf("/operator/networks", "q", typed)
	}
	return rm.page.Show(w, r, http.StatusOK, "organizations", "network.operators_title", view)
}

// errOthersCan refuses what a Portal Admin of the organization can do himself.
var errOthersCan = fault.New(fault.Refused, "network.others_can")

var errNoOrganization = fault.New(fault.NotFound, "network.no_organization")

// way is what an operator looks at before the way is opened.
type way struct {
	checkedOrganization
	Free []Leader // get in from anywhere, so it is theirs to do
	Seen []Leader // were seen in a permitted network
}

// able keeps those who are able: others cannot switch a check.
func able(list []Leader, admins []account.Admin) (kept []Leader) {
	are := map[string]bool{}
	for _, a := range account.Able(admins) {
		are[a.ID] = true
	}
	for _, l := range list {
		if are[l.ID] {
			kept = append(kept, l)
		}
	}
	return kept
}

func readWay(ctx context.Context, r store.Reader, v *session.Visit, id string) (o way, err error) {
	if !plainID(id) {
		return way{}, errNoOrganization
	}
	if o.checkedOrganization, err = counts(ctx, r, id); errors.Is(err, store.ErrNone) {
		return way{}, errNoOrganization
	}
	if err != nil {
		return way{}, err
	}
	permitted, err := account.Networks(ctx, r, id)
	if err != nil {
		return way{}, err
	}
	list, err := leaders(ctx, r, id, v.Seen)
	if err != nil {
		return way{}, err
	}
	admins, err := account.Abilities(ctx, r, id)
	if err != nil {
		return way{}, err
	}
	o.Free, o.Seen = Entering(permitted, able(list, admins))
	return o, nil
}

type openView struct {
	page.View
	way
	Options []page.Option
	Ticket  string
	Done    bool
}

func (rm *Room) showOpen(w http.ResponseWriter, r *http.Request) error {
	o, err := readWay(r.Context(), rm.DB, session.Of(r.Context()), r.PathValue("organization"))
	if err != nil {
		return err
	}
	view := &openView{way: o}
	if r.URL.Query().Get("done") == "opened" {
		view.Notice, view.Done = rm.Site.Speak(r).T("network.done_opened"), true
	}
	return rm.open(w, r, http.StatusOK, view, "admins", nil)
}

func (rm *Room) open(w http.ResponseWriter, r *http.Request, status int, view *openView, whose string, faults []*fault.Fault) error {
	say := rm.Site.Speak(r)
	for _, one := range []string{"admins", "all"} {
		view.Options = append(view.Options, page.Option{Value: one, Label: say.T("network.whose_" + one), Hint: say.T("network.whose_" + one + "_about"), Checked: one == whose})
	}
	view.Faults = faults
	return rm.page.Show(w, r, status, "open", "network.open_title", view)
}

// postOpen switches the check off, against a ticket: one record in the
// organization's chain, and a letter to each of its Portal Admins.
func (rm *Room) postOpen(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	id, whose := r.PathValue("organization"), form.Need("whose", "network.whose_missing")
	if whose != "" && whose != "admins" && whose != "all" {
		form.Fault("whose", "network.whose_missing")
	}
	typed := form.Need("ticket", "network.ticket_missing")
	ticket, ok := act.ParseTicket(typed)
	if typed != "" && !ok {
		form.Fault("ticket", "network.ticket_shape")
	}
	if !form.OK() {
		o, err := readWay(r.Context(), rm.DB, session.Of(r.Context()), id)
		if err != nil {
			return err
		}
		return rm.open(w, r, http.StatusUnprocessableEntity, &openView{way: o, Ticket: typed}, whose, form.Faults())
	}
	err = rm.decide(r.Context(), act.OpenNetworks, func(ctx context.Context, tx *store.Tx, v *session.Visit) error {
		o, err := readWay(ctx, tx, v, id)
		if err != nil {
			return err
		}
		if len(o.Free) > 0 {
			return errOthersCan
		}
		n, err := account.StopChecking(ctx, tx, id, whose == "admins")
		if err != nil || n == 0 {
			return err
		}
		return rm.tell(ctx, tx, v, id, "opened", id,
			map[string]string{"whose": whose, "accounts": strconv.FormatInt(n, 10), "ticket": string(ticket), "seen": strconv.Itoa(len(o.Seen))})
	})
	if err != nil {
		return err
	}
	return page.See(w, "/operator/networks/"+id+"?done=opened")
}

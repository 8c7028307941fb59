package people

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"nidan/internal/account"
	"nidan/internal/act"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/pass"
	"nidan/internal/session"
	"nidan/internal/store"
)

// longestWhy bounds a reason, in characters.
const longestWhy = 200

// givenTo is what became of one person's pass: a code to hand over, a letter, or
// why there is none.
type givenTo struct {
	Person
	Code    string
	Expires time.Time
	Why     string // phrase key; empty: it was given
}

// Grouped is the code as it is handed over.
func (g givenTo) Grouped() string { return pass.Grouped(g.Code) }

type passView struct {
	page.View
	People []chosen
	Left   []givenTo // chosen, but no pass can be given here
	IDs    string    // of People, for the form
	Why    string
	Back   bool // MailOTP: set back to TOTP with it
	Open   bool // one person: has an open pass, which this one replaces
	Given  []givenTo
}

// chosen is a person with how the pass is to reach him.
type chosen struct {
	Person
	Ways []page.Option
}

// facts are what the rule of giving asks about a person of the visitor's own
// organization.
func facts(v *session.Visit, p Person, back bool) pass.Facts {
	f := pass.Facts{SameOrganization: p.Organization == v.Ref.Organization, Self: p.Ref == v.Ref, Stands: p.Suspended.IsZero(),
		Authority: p.Authority, Method: p.Method, BackToTOTP: back}
	if v.Admin() {
		f.Giver = pass.GiverAdmin
	}
	return f
}

func (rm *Room) showPass(w http.ResponseWriter, r *http.Request) error {
	p, err := rm.about(r, act.GivePass, false)
	if err != nil {
		return err
	}
	back := r.URL.Query().Get("back") == string(account.TOTP)
	return rm.onePass(w, r, http.StatusOK, p, &passView{Back: back && p.Method == account.MailOTP}, pass.ByMail)
}

// onePass shows the form for one person, or the page that comes before it: for a
// MailOTP account it is asked first whether it goes back to TOTP.
func (rm *Room) onePass(w http.ResponseWriter, r *http.Request, status int, p Person, view *passView, way pass.Way) error {
	switch why := pass.MayGive(rm.Site.Now(), facts(session.Of(r.Context()), p, view.Back)); why {
	case "":
	case pass.WhyMailOTP:
		view.People = []chosen{{Person: p}}
		return rm.page.Show(w, r, status, "mailotp", "people.mailotp_title", view)
	case pass.WhyForeign:
		return errNobody
	default:
		return fault.New(fault.Refused, string(why))
	}
	view.People, view.IDs = []chosen{{p, rm.ways(r, way, false)}}, p.ID
	view.Open = p.Pass.Valid(rm.Site.Now())
	return rm.page.Show(w, r, status, "pass", "people.pass_title", view)
}

// ways are the ways a pass can reach somebody, one of them chosen.
func (rm *Room) ways(r *http.Request, way pass.Way, none bool) []page.Option {
	say := rm.Site.Speak(r)
	options := []page.Option{
		{Value: string(pass.ByMail), Label: say.T("people.way_mail"), Hint: say.T("people.way_mail_about"), Checked: way != pass.ByHand && way != ""},
		{Value: string(pass.ByHand), Label: say.T("people.way_hand"), Hint: say.T("people.way_hand_about"), Checked: way == pass.ByHand},
	}
	if none {
		options = append(options, page.Option{Value: "none", Label: say.T("people.way_none"), Checked: way == ""})
	}
	return options
}

func (rm *Room) postPass(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	p, err := rm.of(r.Context(), rm.DB, r.PathValue("id"))
	if err != nil {
		return err
	}
	if form.Text("act") == "withdraw" {
		return rm.withdraw(w, r, p)
	}
	view := &passView{Why: reason(form), Back: form.Text("back") == string(account.TOTP)}
	way := pass.Way(form.Need("way", "people.way_missing"))
	if way != "" && way != pass.ByMail && way != pass.ByHand {
		form.Fault("way", "people.way_missing")
	}
	if !form.OK() {
		view.Faults = form.Faults()
		return rm.onePass(w, r, http.StatusUnprocessableEntity, p, view, way)
	}
	if !view.Back && p.Method == account.MailOTP {
		return page.See(w, place(p)+"/pass") // asked first; nothing is given silently
	}
	one, err := rm.give(r.Context(), p, pass.Order{Why: view.Why, Way: way, BackToTOTP: view.Back && p.Method == account.MailOTP})
	if err != nil {
		return err
	}
	rm.Wake()
	if way == pass.ByMail {
		return page.See(w, place(p)+"?done=mailed")
	}
	return rm.given(w, r, []givenTo{one})
}

// reason reads why a pass is given.
func reason(form *page.Form) string {
	why := form.Need("why", "people.why_missing")
	if utf8.RuneCountInString(why) > longestWhy {
		form.Fault("why", "page.field_long", "n", longestWhy)
	}
	return why
}

// give gives one pass in a transaction of its own. The rule is asked there.
func (rm *Room) give(ctx context.Context, p Person, o pass.Order) (one givenTo, err error) {
	v := session.Of(ctx)
	err = rm.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		now, err := rm.of(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		// What was decided for a MailOTP account is not done to another.
		o.BackToTOTP = o.BackToTOTP && now.Method == account.MailOTP
		if err := may(ctx, tx, tx.Now(), act.GivePass, now, false); err != nil {
			return err
		}
		if o.BackToTOTP {
			if err := may(ctx, tx, tx.Now(), act.ChangeMethod, now, false); err != nil {
				return err
			}
		}
		if why := pass.MayGive(tx.Now(), facts(v, now, o.BackToTOTP)); why != "" {
			return fault.New(fault.Refused, string(why))
		}
		o.To = now.Account
		h, err := rm.Passes.Give(ctx, tx, v, o)
		one = givenTo{Person: now, Code: h.Code, Expires: h.Expires}
		return err
	})
	return one, err
}

// given shows what was given: the answer to the very request that gave it, and
// not a page to come back to. A code would have to be kept somewhere to be shown by
// a second request, and nothing here keeps one; sent again, the form gives a new
// pass, which replaces this one.
func (rm *Room) given(w http.ResponseWriter, r *http.Request, list []givenTo) error {
	return rm.page.Show(w, r, http.StatusOK, "given", "people.given_title", &passView{Given: list})
}

func (rm *Room) withdraw(w http.ResponseWriter, r *http.Request, p Person) error {
	v := session.Of(r.Context())
	err := rm.DB.Write(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		now, err := rm.of(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		if err := may(ctx, tx, tx.Now(), act.WithdrawPass, now, false); err != nil {
			return err
		}
		return rm.Passes.Withdraw(ctx, tx, v, now.Account)
	})
	if errors.Is(err, store.ErrNone) { // spent, run out or withdrawn meanwhile
		return page.See(w, place(p))
	}
	if err != nil {
		return err
	}
	rm.Wake()
	return page.See(w, place(p)+"?done=withdrawn")
}

// pick finds the people of a list of ids, without those who are nobody here.
func (rm *Room) pick(r *http.Request, ids []string) ([]Person, error) {
	v := session.Of(r.Context())
	var plain []string
	for _, id := range ids[:min(len(ids), perPage)] {
		if plainID(id) {
			plain = append(plain, id)
		}
	}
	if v.Operator() || v.Ref.Organization == "" {
		return nil, errNobody
	}
	return those(r.Context(), rm.DB, v.Ref.Organization, plain)
}

func (rm *Room) showMany(w http.ResponseWriter, r *http.Request) error {
	people, err := rm.pick(r, r.URL.Query()["id"])
	if err != nil {
		return err
	}
	return rm.many(w, r, http.StatusOK, people, &passView{}, nil)
}

// many shows the form for a list. Who can be given none here stands apart, with why.
func (rm *Room) many(w http.ResponseWriter, r *http.Request, status int, people []Person, view *passView, ways map[string]pass.Way) error {
	var ids []string
	for _, p := range people {
		if why := pass.MayGive(rm.Site.Now(), facts(session.Of(r.Context()), p, false)); why != "" {
			view.Left = append(view.Left, givenTo{Person: p, Why: string(why)})
			continue
		}
		way, ok := ways[p.ID]
		if !ok {
			way = pass.ByMail
		}
		view.People = append(view.People, chosen{p, rm.ways(r, way, true)})
		ids = append(ids, p.ID)
	}
	view.IDs = strings.Join(ids, ",")
	return rm.page.Show(w, r, status, "passes", "people.passes_title", view)
}

// postMany gives a pass to each of a list, each in a transaction of its own: what
// was given stands, whatever becomes of the next.
func (rm *Room) postMany(w http.ResponseWriter, r *http.Request) error {
	form, err := page.Read(r)
	if err != nil {
		return err
	}
	people, err := rm.pick(r, strings.Split(form.Text("ids"), ","))
	if err != nil {
		return err
	}
	view, ways := &passView{Why: reason(form)}, map[string]pass.Way{}
	wanted := 0
	for _, p := range people {
		if way := pass.Way(form.Text("way-" + p.ID)); way == pass.ByMail || way == pass.ByHand {
			ways[p.ID] = way
			wanted++
		} else {
			ways[p.ID] = ""
		}
	}
	if wanted == 0 {
		form.Fault("", "people.nobody_chosen")
	}
	if !form.OK() {
		view.Faults = form.Faults()
		return rm.many(w, r, http.StatusUnprocessableEntity, people, view, ways)
	}
	var list []givenTo
	for _, p := range people {
		if ways[p.ID] == "" {
			continue
		}
		one, err := rm.give(r.Context(), p, pass.Order{Why: view.Why, Way: ways[p.ID]})
		switch f := fault.Of(err); {
		case err == nil:
		case f != nil:
			one = givenTo{Person: p, Why: f.Phrase}
		case len(list) == 0:
			return err
		default: // codes that were given already are shown all the same
			rm.Log.Error("a pass of a list was not given", slog.String("error", err.Error()))
			one = givenTo{Person: p, Why: "people.not_given"}
		}
		list = append(list, one)
	}
	rm.Wake()
	return rm.given(w, r, list)
}

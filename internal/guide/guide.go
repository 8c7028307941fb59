package guide

import (
	"slices"
	"strings"

	"nidan/internal/announcement"
	"nidan/internal/page"
)

// Name is a guide.
type Name string

// The guides, in the order in which they are listed.
const (
	PortalAdmin Name = "portal-admin"
	GeneralUser Name = "general-user"
	Apps        Name = "apps"
	Tickets     Name = "tickets"
)

// Names are all guides.
var Names = []Name{PortalAdmin, GeneralUser, Apps, Tickets}

// Path is where a guide is read.
func (n Name) Path() string { return "/guide/" + string(n) }

// titles are the phrases that guides are called by.
var titles = map[Name]string{PortalAdmin: "guide.admin_title", GeneralUser: "guide.user_title", Apps: "guide.apps_title", Tickets: "guide.tickets_title"}

// changeToMailOTP is the section that the announcement leads to.
const changeToMailOTP = "change-to-mailotp"

// Ready is which pages the guides speak of are part of this portal; of one that is
// not, a guide says so and what to do meanwhile.
type Ready struct{ Accounts, Tickets bool }

// Part is a section of a guide: what is said, then steps in order, then what to
// know beside them. The first has no title.
type Part struct {
	ID, Title string
	Before    []string
	Steps     []Step
	After     []string
}

// Step is one thing to do.
type Step struct {
	Title   string
	Text    []string
	Links   []Link
	Picture string // of the page it happens on; empty: none
}

// Link leads to a page that says more.
type Link struct{ Path, Name string }

// writer writes guides to one reader.
type writer struct {
	page.Speaker
	facts announcement.Facts
	ready Ready
	args  []any
}

// Write is a guide, filled from what is announced.
func Write(name Name, say page.Speaker, f announcement.Facts, ready Ready) []Part {
	say = f.In(say)
	w := writer{Speaker: say, facts: f, ready: ready}
	w.args = []any{"portal", f.Portal, "opens", say.Moment(f.Plan.Opens), "ends", say.End(f.Ends), "contact", f.Contact,
		"start", say.T("home.setup_go"), "initial", say.T("home.setup_title"), "signin", say.T("signin.submit"),
		"next", say.T("setup.go_on"), "send", say.T("setup.send"), "again", say.T("setup.send_again"),
		"verify", say.T("setup.verify"), "pass", say.T("signin.to_pass"), "use", say.T("pass.use"), "key", say.T("setup.totp_key"), "device", say.T("setup.totp_link")}
	switch name {
	case PortalAdmin:
		return w.portalAdmin()
	case GeneralUser:
		return w.generalUser()
	case Apps:
		return w.apps()
	}
	return w.tickets()
}

// t says phrases; each may use any of the writer's values.
func (w writer) t(keys ...string) (list []string) {
	for _, key := range keys {
		list = append(list, w.T("guide."+key, w.args...))
	}
	return list
}

// step is one with a title, and what its phrases say.
func (w writer) step(title string, keys ...string) Step {
	return Step{Title: w.t(title)[0], Text: w.t(keys...)}
}

// on pictures the page a step happens on.
func (s Step) on(picture string) Step { s.Picture = picture; return s }

// to leads to guides that say more.
func (w writer) to(s Step, names ...Name) Step {
	for _, n := range names {
		s.Links = append(s.Links, Link{n.Path(), w.T(titles[n])})
	}
	return s
}

func (w writer) part(id string, before []string, steps []Step, after ...string) Part {
	p := Part{ID: id, Before: before, Steps: steps, After: w.t(after...)}
	if id != "" {
		p.Title = w.t("part_" + strings.ReplaceAll(id, "-", "_"))[0]
	}
	return p
}

// when is what the policy says of the guide's reader, who may be anybody.
func (w writer) when() []string {
	switch w.facts.State {
	case announcement.Ahead:
		return append(w.t("when_ahead"), w.T("announcement.own_dates"))
	case announcement.Open:
		return append(w.t("when_open"), w.T("announcement.own_dates"))
	case announcement.Ended:
		return append(w.t("when_ended"), w.T("announcement.own_dates"))
	}
	return w.t("when_none")
}

// signIn are the steps to the set-up: from the dashboard in the period, and with a
// pass when the password alone opens nothing.
func (w writer) signIn() []Step {
	steps := []Step{w.step("signin_step", "signin_text").on("signin")}
	switch w.facts.State {
	case announcement.Ahead, announcement.Open:
		return append(steps, w.step("start_step", "start_text").on("dashboard"))
	}
	return append(steps, w.step("pass_step", "pass_text", "pass_link"))
}

func (w writer) mailbox() []Step {
	return []Step{
		w.step("address_step", "address_text", "address_wrong").on("address"),
		w.step("mailbox_step", "mailbox_text").on("mailbox"),
	}
}

func (w writer) app() []Step {
	return []Step{
		w.step("scan_step", "scan_text", "scan_device").on("totp"),
		w.step("code_step", "code_text", "code_wrong"),
	}
}

func (w writer) done() Step { return w.step("done_step", "done_text") }

func (w writer) portalAdmin() []Part {
	choose := w.step("choose_step", "choose_totp", "choose_mailotp", "choose_weaker").on("method")
	install := w.to(w.step("install_step", "install_admin"), Apps)
	steps := slices.Concat([]Step{install}, w.signIn(), []Step{choose}, w.mailbox(),
		[]Step{w.step("password_step", "password_text"), w.step("app_step", "app_text")}, w.app(), []Step{w.done()})
	change := w.t("change_who", "change_weaker")
	if !w.ready.Accounts {
		change = append(change, w.t("change_not_yet")...)
	}
	return []Part{
		w.part("", w.when(), nil),
		w.part("need", w.t("need_admin"), nil),
		w.part("steps", w.t("pictures"), steps),
		w.part("signing", w.t("signing_first", "signing_totp", "signing_mailotp"), nil),
		w.part(changeToMailOTP, change, []Step{
			w.step("change_signin_step", "change_signin_text"),
			w.step("change_open_step", "change_open_text"),
			w.step("change_check_step", "change_check_text"),
			w.step("change_set_step", "change_set_text"),
		}, "change_after", "change_back"),
		w.part("latecomers", w.t("late_admin", "people_add", "people_page", "people_leave", "people_networks"), nil),
	}
}

func (w writer) generalUser() []Part {
	install := w.to(w.step("install_step", "install_user"), Apps)
	steps := slices.Concat([]Step{install}, w.signIn(), w.mailbox(), []Step{w.step("password_step", "password_text")},
		w.app(), []Step{w.done()})
	return []Part{
		w.part("", w.when(), nil),
		w.part("need", w.t("need_user"), nil),
		w.part("steps", w.t("pictures"), steps),
		w.part("signing", w.t("signing_first", "signing_totp"), nil),
		w.part("stuck", w.t("stuck_mail", "stuck_clock", "stuck_none", "stuck_mailotp", "stuck_lost"), nil),
	}
}

func (w writer) apps() []Part {
	return []Part{
		w.part("", w.t("apps_lead", "apps_any"), nil),
		w.part("steps", nil, []Step{
			w.step("store_step", "store_text"),
			w.step("search_step", "search_text", "search_maker"),
			w.step("open_step", "open_text"),
			w.step("clock_step", "clock_text"),
			w.to(w.step("then_step", "then_text"), GeneralUser, PortalAdmin),
		}),
		w.part("know", w.t("know_offline", "know_device", "know_none"), nil),
	}
}

func (w writer) tickets() []Part {
	lead := w.part("", w.t("tickets_lead"), nil)
	if !w.ready.Tickets {
		lead.Before = w.t("tickets_not_yet")
		if w.facts.Contact != "" {
			lead.Before = append(lead.Before, w.t("tickets_by_mail")...)
		}
	}
	return []Part{
		lead,
		w.part("steps", nil, []Step{
			w.step("new_step", "new_text"),
			w.step("category_step", "category_text"),
			w.step("service_step", "service_text"),
			w.step("what_step", "what_text", "what_when", "what_never").on("ticket"),
			w.step("sent_step", "sent_text").on("sent"),
		}),
		w.part("seen", w.t("seen_by", "seen_out"), nil),
	}
}

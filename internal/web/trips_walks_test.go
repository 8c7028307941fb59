package web

import (
	"context"
	"regexp"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/operator"
	"nidan/internal/organization"
	"nidan/internal/password"
	"nidan/internal/progress"
	"nidan/internal/rollout"
	"nidan/internal/store"
	"nidan/internal/totp"
)

func (k *walker) strangers() {
	k.do("nobody is signed in", "GET", "/signin", 200)
	k.do("nobody is signed in", "GET", "/", 303)
	k.do("wrong password", "POST", "/signin", 422, "email", "app@aozora.example", "password", "wrong")
	k.do("an address nobody has", "POST", "/signin", 422, "email", "nobody@aozora.example", "password", "wrong")
	k.do("nobody is signed in", "GET", "/status", 200)
	k.do("nobody is signed in", "GET", "/contact", 200)
	k.do("nobody is signed in", "GET", "/password/forgot", 200)
	k.do("an address nobody has", "POST", "/password/forgot", 303, "email", "nobody@aozora.example", "name", "x", "phone", "1")
	k.do("all is right", "POST", "/password/forgot", 303, "email", "app@aozora.example", "name", "app", "phone", "0312345678")
}

// answering is a Portal Admin who answers a password that waits.
func (k *walker) answering() {
	k.t.Helper()
	k.do("", "POST", "/password/forgot", 303, "email", "mailed@aozora.example", "name", "mailed", "phone", "0312345678")
	if err := k.portal.Post.Drain(context.Background()); err != nil {
		k.t.Fatal(err)
	}
	link := ""
	for _, m := range *k.mailbox {
		if found := regexp.MustCompile(`/password/reset/\S+`).FindString(m.Text); found != "" && m.To == "mailed@aozora.example" {
			link = found
		}
	}
	k.do("", "POST", link, 303, "password", "harbor under lantern", "password_again", "harbor under lantern")
	k.do("one waits", "GET", "/accounts/resets", 200)
	path := regexp.MustCompile(`/accounts/[0-9a-f-]{36}/reset`).FindString(k.body)
	k.at("one waits", path, "/accounts/{id}/reset")
	id := regexp.MustCompile(`name="reset" value="([^"]+)"`).FindStringSubmatch(k.body)
	k.post("nothing chosen", path, "/accounts/{id}/reset", 422, "reset", id[1])
	k.post("refused", path, "/accounts/{id}/reset", 303, "reset", id[1], "answer", "refuse")
}

// starting is the way of somebody new, up to the pages that settingUp goes through.
func (k *walker) starting() {
	k.browser()
	g := k.newcomer("starter")
	k.at("any link", g.path, "/start/{token}")
	k.post("another phone", g.path, "/start/{token}", 422, "email", g.Email, "name", g.Name, "phone", "1")
	k.post("identified", g.path, "/start/{token}", 200, g.who()...)
	k.post("password", g.path, "/start/{token}", 303, g.begins()...)
}

func (k *walker) byApp() {
	k.do("code of an app comes next", "POST", "/signin", 303, "email", "app@aozora.example", "password", typed)
	k.do("of an app", "GET", "/signin/code", 200)
	k.do("instead of a code", "GET", "/pass", 200)
	k.do("wrong, or none was given", "POST", "/pass", 422, "code", "AAAA-BBBB-CCCC")
	k.do("anybody's link", "GET", "/pass/x", 200)
	k.do("wrong", "POST", "/signin/code", 422, "code", "000000")
	k.do("", "POST", "/signin/code", 422, "code", "000000")
	k.do("wrong, the owner is told", "POST", "/signin/code", 422, "code", "000000")
	k.do("right", "POST", "/signin/code", 303, "code", k.code())
	k.do("two steps", "GET", "/", 200)
	k.do("two steps", "GET", "/profile", 200)
	k.do("two steps", "GET", "/sessions", 200)
	k.do("", "GET", "/progress", 200) // the first request of a node reads what was planned
	k.do("own organization", "GET", "/progress", 200)
	k.do("the organization's", "GET", "/accounts", 200)
	k.governing()
	k.do("the organization's", "GET", "/history", 200)
	k.networks()
	k.ticketing()
	k.do("two steps", "GET", "/profile/password", 200)
	k.do("own password", "POST", "/profile/password", 303, "password", "harbor under lantern", "password_again", "harbor under lantern")
	k.do("two steps", "GET", "/profile/address", 200)
	k.do("a free address", "POST", "/profile/address", 303, "email", "app.new@aozora.example")
	k.do("one that somebody has", "POST", "/profile/address", 303, "email", "mailed@aozora.example")
	k.do("one that waits", "GET", "/profile/address", 200)
	k.do("a change is open", "GET", "/profile", 200)
	k.do("a change is open", "GET", "/profile/address/withdraw", 200)
	k.do("withdrawn", "POST", "/profile/address/withdraw", 303)
	k.do("anybody's link", "GET", "/address/x", 404)
	k.do("anybody's link", "POST", "/address/x", 404)
	k.movingSomebody()
	k.do("a new phone", "GET", "/profile/totp", 200)
	k.later(time.Minute)
	key := k.setupKey()
	k.do("a new phone", "POST", "/profile/totp", 303, "code", totp.Code(key, totp.Step(k.Clock.Now())))
	k.key = key
	k.later(16 * time.Minute)
	k.do("", "GET", "/", 200) // the last request is written down
	k.do("a fresh code", "GET", "/confirm", 200)
	k.do("a fresh code", "POST", "/confirm", 303, "code", k.code())
	k.do("end all others", "POST", "/sessions", 303, "act", "others")
	k.answering()
	k.do("two steps", "POST", "/signout", 303)
}

// movingSomebody changes somebody else's address, to the end.
func (k *walker) movingSomebody() {
	k.t.Helper()
	ref := k.refOf("grace")
	k.at("somebody's", "/accounts/"+ref.ID+"/address", "/accounts/{id}/address")
	k.post("somebody's", "/accounts/"+ref.ID+"/address", "/accounts/{id}/address", 303, "email", "grace.new@aozora.example")
	if err := k.portal.Post.Drain(context.Background()); err != nil {
		k.t.Fatal(err)
	}
	link := ""
	for _, m := range *k.mailbox {
		if found := addressLink.FindString(m.Text); found != "" && m.To == "grace.new@aozora.example" {
			link = found
		}
	}
	k.at("a link that works", link, "/address/{token}")
	k.post("the address moves", link, "/address/{token}", 303)
	k.at("used", link, "/address/{token}")
}

var addressLink = regexp.MustCompile(`/address/[A-Za-z0-9_-]{43}`)

// refOf is the account of a name.
func (k *walker) refOf(name string) (ref account.Ref) {
	k.t.Helper()
	err := k.DB.QueryRow(context.Background(), `select organization_id, id from account where name = $1`, name).Scan(&ref.Organization, &ref.ID)
	if err != nil {
		k.t.Fatal(err)
	}
	return ref
}

// governing is a Portal Admin at work on somebody's account.
func (k *walker) governing() {
	k.do("those locked", "GET", "/accounts?show=locked", 200)
	k.do("form", "GET", "/accounts/new", 200)
	k.do("a person", "POST", "/accounts/new", 303, "name", "Nao New", "email", "nao@aozora.example", "phone", "0312345678",
		"language", "en", "authority", "general_user", "time_zone", "UTC", "method", "totp")
	var id string
	if err := k.DB.QueryRow(context.Background(), `select id from account where email_key = 'nao@aozora.example'`).Scan(&id); err != nil {
		k.t.Fatal(err)
	}
	place := "/accounts/" + id
	k.at("a person", place, "/accounts/{id}")
	k.at("form", place+"/edit", "/accounts/{id}/edit")
	k.at("what it means", place+"/suspend", "/accounts/{id}/suspend")
	k.at("what it means", place+"/unlock", "/accounts/{id}/unlock")
	k.at("what it means", place+"/delete", "/accounts/{id}/delete")
	k.post("form, changed meanwhile", place+"/edit", "/accounts/{id}/edit", 422, "name", "Nao Neu", "phone", "0312345678",
		"language", "en", "authority", "general_user", "time_zone", "UTC")
	k.post("a person", place+"/suspend", "/accounts/{id}/suspend", 303)
	k.post("a person", place+"/return", "/accounts/{id}/return", 303)
	k.post("a person", place+"/guide", "/accounts/{id}/guide", 303)
	k.post("a person", place+"/unlock", "/accounts/{id}/unlock", 303)
	k.post("MailOTP", place+"/method", "/accounts/{id}/method", 303, "method", "mailotp")
	k.post("a person", place+"/delete", "/accounts/{id}/delete", 303)
}

// networks permits the one this walk is made from, and has it checked.
func (k *walker) networks() {
	k.do("the organization's", "GET", "/networks", 200)
	k.do("one more", "POST", "/networks/new", 303, "network", "127.0.0.0/8", "description", "here")
	k.do("the organization's", "GET", "/networks/accounts", 200)
	id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(k.body)
	if id == nil {
		k.t.Fatal("nobody is on the list")
	}
	k.at("one person", "/networks/check?check=on&id="+id[1], "/networks/check")
	k.post("one person, on", "/networks/check", "/networks/check", 303, "ids", id[1], "check", "on")
	k.post("one person, off", "/networks/check", "/networks/check", 303, "ids", id[1], "check", "off")
}

// organization is the id of one.
func (k *walker) organization(name string) string {
	k.t.Helper()
	o, err := organization.ByName(context.Background(), k.DB, name)
	if err != nil {
		k.t.Fatal(err)
	}
	return o.ID
}

// ticketing is what a customer does with a ticket.
func (k *walker) ticketing() {
	k.do("form", "GET", "/tickets/new", 200)
	k.do("created", "POST", "/tickets/new", 303, "form", strings.Repeat("a", 36), "category", "portal", "service", "business-portal",
		"kind", "question", "summary", "二段階認証", "detail", "認証の設定")
	k.do("own organization", "GET", "/tickets", 200)
	k.do("found", "GET", "/tickets?q=%E8%AA%8D%E8%A8%BC", 200)
	k.at("with its thread", "/tickets/T-1", "/tickets/{id}")
	k.post("a comment", "/tickets/T-1", "/tickets/{id}", 303, "form", strings.Repeat("b", 36), "version", "1", "act", "comment", "text", "x")
}

// operating is the walk of an operator.
func (k *walker) operating() {
	k.browser()
	k.key = totp.NewSecret()
	hash, err := k.portal.Pool.Hash(context.Background(), typed)
	if err != nil {
		k.t.Fatal(err)
	}
	var plan rollout.Plan
	err = k.DB.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		o, err := operator.Add(ctx, tx, operator.Operator{Email: "olga@portal.example", Name: "Olga Berg", Language: "en", Zone: "UTC"}, "test")
		if err != nil {
			return err
		}
		if err := password.Set(ctx, tx, o.Ref(), hash, password.Changed); err != nil {
			return err
		}
		if err := totp.Enroll(ctx, tx, k.Keys, o.Ref(), k.key, 0, 0); err != nil {
			return err
		}
		book, err := rollout.ReadBook(ctx, tx)
		plan = book.Plans[0]
		return err
	})
	if err != nil {
		k.t.Fatal(err)
	}
	k.do("", "POST", "/operator/signin", 303, "email", "olga@portal.example", "password", typed)
	k.do("", "POST", "/signin/code", 303, "code", k.code())
	if err := k.portal.rollouts.Count(context.Background()); err != nil { // as it is done beside the requests
		k.t.Fatal(err)
	}
	k.at("a rollout", "/operator/rollouts/"+plan.ID+"/progress", "/operator/rollouts/{id}/progress")
	k.at("a rollout", "/operator/rollouts/"+plan.ID+"/organizations", "/operator/rollouts/{id}/organizations")
	k.at("a rollout", "/operator/rollouts/"+plan.ID+"/rehearsal", "/operator/rollouts/{id}/rehearsal")
	k.at("a rollout", "/operator/rollouts/"+plan.ID, "/operator/rollouts/{id}")
	if _, err := progress.Fold(context.Background(), k.DB); err != nil {
		k.t.Fatal(err)
	}
	k.at("whom the end locks out", "/operator/rollouts/"+plan.ID+"/forecast", "/operator/rollouts/{id}/forecast")
	k.at("a rollout", "/operator/rollouts/"+plan.ID+"/extend", "/operator/rollouts/{id}/extend")
	k.at("a rollout", "/operator/rollouts/"+plan.ID+"/reminders", "/operator/rollouts/{id}/reminders")
	k.do("all of them", "GET", "/operator/rollouts", 200)
	k.do("passes", "GET", "/operator/passes", 200)
	k.do("passwords that wait", "GET", "/operator/resets", 200)
	k.do("corrections", "GET", "/operator/addresses", 200)
	correction := "/operator/addresses/" + k.refOf("grace").Organization + "/" + k.refOf("mailed").ID
	k.at("nothing asked", correction, "/operator/addresses/{organization}/{id}")
	k.post("asked for", correction, "/operator/addresses/{organization}/{id}", 303, "email", "corrected@aozora.example", "why", "mailbox closed", "ticket", "T-1")
	k.at("waits", correction, "/operator/addresses/{organization}/{id}")
	k.post("withdrawn", correction, "/operator/addresses/{organization}/{id}", 303, "act", "withdraw")
	k.do("the outbox", "GET", "/operator/mail", 200)
	k.do("", "GET", "/operator/tickets", 200) // a node reads business time now and then
	k.do("open ones", "GET", "/operator/tickets", 200)
	k.do("found", "GET", "/operator/tickets?q=%E8%AA%8D%E8%A8%BC", 200)
	k.do("of eight weeks", "GET", "/operator/tickets/figures", 200)
	k.do("the next year", "GET", "/operator/hours", 200)
	k.at("at the desk", "/operator/tickets/T-1", "/operator/tickets/{id}")
	k.post("an answer", "/operator/tickets/T-1", "/operator/tickets/{id}", 303, "form", strings.Repeat("b", 36), "version", "2", "act", "answer", "text", "x")
	k.do("everything", "GET", "/operator/audit", 200)
	k.at("of a person in an organization", "/operator/audit?chain=Aozora&subject=app@aozora.example", "/operator/audit")
	k.at("a row", "/operator/audit/operators/1", "/operator/audit/{chain}/{seq}")
	k.do("a week", "GET", "/operator/audit/failures", 200)
	k.do("whose networks are checked", "GET", "/operator/networks", 200)
	k.at("an organization", "/operator/networks/"+k.organization("Aozora"), "/operator/networks/{organization}")
	ends := plan.Ends.AddDate(0, 0, 7)
	dates := []string{"version", "1", "zone", "UTC", "reminders", "7", "opens", plan.Opens.Format(time.RFC3339), "ends", ends.Format(time.RFC3339)}
	place := "/operator/rollouts/" + plan.ID
	k.post("what it would mean", place+"/change", "/operator/rollouts/{id}/change", 200, dates...)
	k.post("saved", place+"/change", "/operator/rollouts/{id}/change", 303, append(dates, "sure", "yes")...)
	k.post("one person", place+"/extend", "/operator/rollouts/{id}/extend", 200, "people", "later@aozora.example",
		"until", ends.AddDate(0, 0, 7).Format(time.RFC3339), "reason", "abroad")
}

// caretaking plans a window and takes it back, as an operator beside another.
func (k *walker) caretaking() {
	k.staff("caretaker@portal.example")
	k.browser()
	k.later(time.Minute)
	k.do("", "POST", "/operator/signin", 303, "email", "caretaker@portal.example", "password", typed)
	k.do("", "POST", "/signin/code", 303, "code", k.code())
	k.do("", "GET", "/", 200)
	opens, closes := k.Clock.Now().Add(time.Hour).Format(time.RFC3339), k.Clock.Now().Add(2*time.Hour).Format(time.RFC3339)
	k.do("form", "GET", "/operator/windows/new", 200)
	k.do("what will happen", "POST", "/operator/windows/new", 200, "opens", opens, "closes", closes)
	k.do("saved", "POST", "/operator/windows/new", 303, "opens", opens, "closes", closes, "sure", "yes")
	k.do("", "GET", "/", 200) // a node reads anew what was planned
	k.do("one ahead", "GET", "/operator/windows", 200)
}

// registering keeps the register of organizations.
func (k *walker) registering() {
	const all, one = "/operator/organizations", "/operator/organizations/{id}"
	k.do("the first page", "GET", all, 200)
	k.at("by name", all+"?q=aozora&show=unled", all)
	k.at("by address", all+"?q=app%40aozora.example", all)
	k.do("form", "GET", all+"/new", 200)
	k.do("with its first Portal Admin", "POST", all+"/new", 303, "organization", "Brennhof", "name", "Bruno", "email", "bruno@brennhof.example",
		"phone", "0312345678", "language", "en", "time_zone", "Europe/Berlin")
	var id, admin string
	if err := k.DB.QueryRow(context.Background(), "select organization_id, id from account where email_key = 'bruno@brennhof.example'").Scan(&id, &admin); err != nil {
		k.t.Fatal(err)
	}
	place := all + "/" + id
	k.at("one of them", place, one)
	k.at("form", place+"/admins/new", one+"/admins/new")
	k.post("another Portal Admin", place+"/admins/new", one+"/admins/new", 303, "name", "Berta", "email", "berta@brennhof.example",
		"phone", "0312345678", "language", "en", "time_zone", "Europe/Berlin")
	k.at("a starting guide", place+"/admins/"+admin+"/guide", one+"/admins/{account}/guide")
	k.post("a starting guide", place+"/admins/"+admin+"/guide", one+"/admins/{account}/guide", 303)
	k.at("form", place+"/name", one+"/name")
	k.post("two are told", place+"/name", one+"/name", 303, "organization", "Brennhof GmbH")
	k.at("what it means", place+"/suspend", one+"/suspend")
	k.post("two are told", place+"/suspend", one+"/suspend", 303)
	k.at("what it means", place+"/return", one+"/return")
	k.post("two are told", place+"/return", one+"/return", 303)
}

func (k *walker) byMail() {
	k.browser()
	k.do("mailed code comes next", "POST", "/signin", 303, "email", "mailed@aozora.example", "password", typed)
	k.do("mailed", "GET", "/signin/code", 200)
	k.do("a new code", "POST", "/signin/code", 303, "act", "send")
	k.do("wrong", "POST", "/signin/code", 422, "code", "00000000")
	k.do("right", "POST", "/signin/code", 303, "code", k.mailed())
}

func (k *walker) settingUp() {
	k.browser()
	k.do("one step", "POST", "/signin", 303, "email", "grace.new@aozora.example", "password", typed)
	k.do("one step", "GET", "/", 200)
	k.do("choice", "GET", "/setup/method", 200)
	k.do("choice", "POST", "/setup/method", 303, "method", "totp")
	k.do("address", "GET", "/setup", 200)
	k.do("address", "POST", "/setup", 303)
	k.do("mailbox", "GET", "/setup/mailbox", 200)
	k.do("mailbox", "POST", "/setup/mailbox", 303, "code", k.mailed())
	k.do("key", "GET", "/setup/totp", 200)
	key := k.setupKey()
	k.do("key, wrong", "POST", "/setup/totp", 422, "code", "000000")
	k.do("key, right", "POST", "/setup/totp", 303, "code", totp.Code(key, totp.Step(k.Clock.Now())))
	k.do("done", "GET", "/setup/done", 200)
}

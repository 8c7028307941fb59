package browsertest

import (
	"context"
	"net/http"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"nidan/internal/operator"
	"nidan/internal/pass"
	"nidan/internal/store"
)

// scene is one page in one state: how somebody comes to it, and what it answers.
type scene struct {
	name   string
	status int
	lead   func(b *tab) // to the page, in a portal of its own
	posted bool         // the answer to a form: it cannot be loaded again
	mixed  bool         // shows names and mails in any language
}

// scenes are all pages of the portal, in every state that looks different.
var scenes = []scene{
	{name: "signin", status: 200, lead: func(b *tab) { b.now(during); b.open("/signin") }},
	{name: "signin-window-ahead", status: 200, lead: func(b *tab) {
		b.now(during)
		b.maintain(during.Add(30*time.Hour), during.Add(35*time.Hour))
		b.open("/signin")
	}},
	{name: "signin-empty", status: 422, posted: true, lead: func(b *tab) { b.now(during); b.open("/signin"); b.press(primary) }},
	{name: "signin-wrong", status: 422, posted: true, lead: func(b *tab) {
		b.now(during)
		b.open("/signin")
		b.fill("email", "nobody@aozora.example", "password", "wrong wrong wrong")
	}},
	{name: "code-totp", status: 200, lead: func(b *tab) { b.signIn(b.member(withApp)) }},
	{name: "code-totp-wrong", status: 422, posted: true, lead: func(b *tab) { b.signIn(b.member(withApp)); b.fill("code", "000000") }},
	{name: "code-totp-spent", status: 422, posted: true, lead: func(b *tab) {
		p := b.member(withApp)
		b.enter(p)
		b.press("header form button")
		b.signIn(p)
		b.fill("code", b.oath(p))
	}},
	{name: "code-totp-waiting", status: 429, posted: true, lead: func(b *tab) {
		p := b.member(withApp)
		b.wrongCodes(p)
		b.press(primary)
		b.fill("email", p.Email, "password", p.password)
		b.fill("code", "000000")
	}},
	{name: "code-ended", status: 403, posted: true, lead: func(b *tab) { b.wrongCodes(b.member(withApp)) }},
	{name: "code-mailotp", status: 200, lead: func(b *tab) { b.signIn(b.member(withMail)) }},
	{name: "code-mailotp-wrong", status: 422, posted: true, lead: func(b *tab) { b.signIn(b.member(withMail)); b.fill("code", "0000 0000") }},
	{name: "code-mailotp-sent-enough", status: 429, posted: true, lead: func(b *tab) {
		b.signIn(b.member(withMail))
		for b.status == http.StatusOK {
			b.press(another)
		}
	}},

	{name: "setup-method", status: 200, lead: func(b *tab) { b.signIn(b.member(admin)); b.open("/setup/method") }},
	{name: "setup", status: 200, lead: func(b *tab) { b.signIn(b.member()); b.open("/setup") }},
	{name: "setup-last-hour", status: 200, lead: func(b *tab) {
		p := b.member()
		b.now(ends.Add(-20 * time.Minute))
		b.signIn(p)
		b.open("/setup")
	}},
	{name: "setup-granted", status: 200, lead: func(b *tab) { b.signIn(b.member(granted)); b.open("/setup") }},
	{name: "setup-mailotp", status: 200, lead: func(b *tab) { b.signIn(b.member(admin)); b.choose("mailotp") }},
	{name: "setup-mailbox", status: 200, lead: func(b *tab) { b.signIn(b.member()); b.open("/setup"); b.press(primary) }},
	{name: "setup-mailbox-mailotp", status: 200, lead: func(b *tab) { b.signIn(b.member(admin)); b.choose("mailotp"); b.press(primary) }},
	{name: "setup-mailbox-wrong", status: 422, posted: true, lead: func(b *tab) {
		b.signIn(b.member())
		b.open("/setup")
		b.press(primary)
		b.fill("code", "00000000")
	}},
	{name: "setup-password", status: 200, lead: func(b *tab) { b.untilPassword() }},
	{name: "setup-password-wrong", status: 422, posted: true, lead: func(b *tab) {
		b.untilPassword()
		b.fill("password", "aozora2018", "password_again", "another one")
	}},
	{name: "setup-totp", status: 200, lead: func(b *tab) { b.untilApp(b.member()) }},
	{name: "setup-totp-admin", status: 200, lead: func(b *tab) {
		p := b.member(admin)
		b.signIn(p)
		b.choose("totp")
		b.mailbox(p)
	}},
	{name: "setup-totp-wrong", status: 422, posted: true, lead: func(b *tab) { b.untilApp(b.member()); b.fill("code", "000000") }},
	{name: "setup-totp-stuck", status: 422, posted: true, lead: func(b *tab) {
		b.untilApp(b.member())
		for range 3 {
			b.fill("code", "000000")
		}
	}},
	{name: "setup-done-totp", status: 200, lead: func(b *tab) { b.setUpApp(b.member()) }},
	{name: "setup-done-mailotp", status: 200, lead: func(b *tab) {
		p := b.member(admin)
		b.signIn(p)
		b.choose("mailotp")
		b.mailbox(p)
	}},

	{name: "dashboard-before", status: 200, lead: func(b *tab) { p := b.member(); b.now(before); b.signIn(p) }},
	{name: "dashboard-setup", status: 200, lead: func(b *tab) { b.signIn(b.member()) }},
	{name: "dashboard-setup-admin", status: 200, lead: func(b *tab) {
		p := b.member(admin)
		b.maintain(during.Add(30*time.Hour), during.Add(35*time.Hour))
		b.signIn(p)
	}},
	{name: "dashboard-totp", status: 200, lead: func(b *tab) { b.enter(b.member(withApp)) }},
	{name: "dashboard-mailotp", status: 200, lead: func(b *tab) { b.enter(b.member(withMail)) }},
	{name: "dashboard-operator", status: 200, lead: func(b *tab) { b.enter(b.staff()) }},

	{name: "profile-onestep-before", status: 200, lead: func(b *tab) { p := b.member(); b.now(before); b.signIn(p); b.open("/profile") }},
	{name: "profile-onestep", status: 200, lead: func(b *tab) { b.signIn(b.member()); b.open("/profile") }},
	{name: "profile-totp", status: 200, lead: func(b *tab) { b.enter(b.member(withApp)); b.open("/profile") }},
	{name: "profile-mailotp", status: 200, lead: func(b *tab) { b.enter(b.member(withMail, admin)); b.open("/profile") }},
	{name: "profile-operator", status: 200, lead: func(b *tab) { b.enter(b.staff()); b.open("/profile") }},
	{name: "profile-aside", status: 200, lead: func(b *tab) { b.aside(); b.open("/profile") }},
	{name: "profile-password", status: 200, lead: func(b *tab) { b.enter(b.member(withApp)); b.open("/profile/password") }},
	{name: "profile-password-aside", status: 200, lead: func(b *tab) { b.aside(); b.open("/profile/password") }},
	{name: "profile-password-wrong", status: 422, posted: true, lead: func(b *tab) {
		b.enter(b.member(withApp))
		b.open("/profile/password")
		b.fill("password", "short", "password_again", "other")
	}},
	{name: "profile-password-done", status: 200, lead: func(b *tab) {
		b.enter(b.member(withApp))
		b.open("/profile/password")
		b.fill("password", "marble under quiet snow", "password_again", "marble under quiet snow")
	}},
	{name: "profile-phone", status: 200, lead: func(b *tab) { b.enter(b.member(withApp)); b.open("/profile/totp") }},
	{name: "profile-phone-mailotp", status: 403, lead: func(b *tab) { b.enter(b.member(withMail)); b.open("/profile/totp") }},
	{name: "sessions", status: 200, lead: func(b *tab) { b.enter(b.member(withApp)); b.open("/sessions") }},
	{name: "sessions-others", status: 200, lead: func(b *tab) {
		p := b.member(withApp)
		b.tab(b.lang).enter(p)
		b.later(30 * time.Second)
		b.enter(p)
		b.open("/sessions")
	}},
	{name: "confirm-totp", status: 200, lead: func(b *tab) { b.enter(b.member(withApp)); b.later(20 * time.Minute); b.open("/profile/password") }},
	{name: "confirm-totp-wrong", status: 422, posted: true, lead: func(b *tab) {
		b.enter(b.member(withApp))
		b.later(20 * time.Minute)
		b.open("/profile/password")
		b.fill("code", "000000")
	}},
	{name: "confirm-mailotp", status: 200, lead: func(b *tab) { b.enter(b.member(withMail)); b.later(20 * time.Minute); b.open("/profile/password") }},
	{name: "confirm-mailotp-sent", status: 200, posted: true, lead: func(b *tab) {
		b.enter(b.member(withMail))
		b.later(20 * time.Minute)
		b.open("/profile/password")
		b.press(primary)
	}},
	{name: "confirm-password", status: 200, lead: func(b *tab) { b.signIn(b.member()); b.later(20 * time.Minute); b.open("/profile/password") }},

	{name: "forgot", status: 200, lead: func(b *tab) { b.now(during); b.open("/password/forgot") }},
	{name: "forgot-empty", status: 422, posted: true, lead: func(b *tab) { b.now(during); b.open("/password/forgot"); b.press(primary) }},
	{name: "forgot-sent", status: 200, lead: func(b *tab) { b.forgot(b.member(withApp)) }},
	{name: "reset", status: 200, lead: func(b *tab) { b.reset(b.member(withApp)) }},
	{name: "reset-wrong", status: 422, posted: true, lead: func(b *tab) {
		b.reset(b.member(withApp))
		b.fill("password", "short", "password_again", "other")
	}},
	{name: "reset-done", status: 200, lead: func(b *tab) { b.renew(b.member(withApp)) }},
	{name: "reset-mailotp", status: 200, lead: func(b *tab) { b.reset(b.member(withMail)) }},
	{name: "reset-mailotp-done", status: 200, lead: func(b *tab) { b.renew(b.member(withMail)) }},
	{name: "reset-mailotp-admin", status: 200, lead: func(b *tab) { b.reset(b.member(withMail, admin)) }},
	{name: "reset-mailotp-admin-done", status: 200, lead: func(b *tab) { b.renew(b.member(withMail, admin)) }},
	{name: "reset-dead", status: 404, lead: func(b *tab) { b.now(during); b.open("/password/reset/none") }},

	{name: "refused-ended", status: 403, posted: true, lead: func(b *tab) { p := b.member(); b.now(after); b.signIn(p) }},
	{name: "refused-newcomer", status: 403, posted: true, lead: func(b *tab) { b.signIn(b.member(newcomer)) }},
	{name: "refused-suspended", status: 403, posted: true, lead: func(b *tab) { b.signIn(b.member(suspended)) }},
	{name: "refused-must-reset", status: 403, posted: true, lead: func(b *tab) { p := b.member(withApp); b.stop(p); b.signIn(p) }},
	{name: "refused-pending", status: 403, posted: true, lead: func(b *tab) {
		b.signIn(b.member(withApp))
		b.do(call(network.ClearBrowserCookies, cdp.Empty{}))
		b.speak(b.lang)
		b.fill("code", "000000")
	}},
	{name: "refused-setup-first", status: 403, lead: func(b *tab) { b.signIn(b.member()); b.open("/profile/totp") }},
	{name: "refused-setup-later", status: 403, lead: func(b *tab) { p := b.member(); b.now(before); b.signIn(p); b.open("/profile/totp") }},
	{name: "announcement", status: 200, lead: func(b *tab) { b.announce(before) }},
	{name: "announcement-open", status: 200, lead: func(b *tab) { b.announce(during) }},
	{name: "announcement-in-window", status: 200, lead: func(b *tab) { b.announce(opens.Add(time.Hour)) }},
	{name: "announcement-moved", status: 200, lead: func(b *tab) { b.move(); b.announce(during) }},
	{name: "announcement-ended", status: 200, lead: func(b *tab) { b.announce(after) }},
	{name: "announcement-withdrawn", status: 200, lead: func(b *tab) { b.withdraw(); b.announce(during) }},
	{name: "guide-portal-admin", status: 200, lead: func(b *tab) { b.now(during); b.open("/guide/portal-admin") }},
	{name: "guide-general-user", status: 200, lead: func(b *tab) { b.now(before); b.open("/guide/general-user") }},
	{name: "guide-general-user-ended", status: 200, lead: func(b *tab) { b.now(after); b.open("/guide/general-user") }},
	{name: "guide-apps", status: 200, lead: func(b *tab) { b.now(during); b.open("/guide/apps") }},
	{name: "guide-tickets", status: 200, lead: func(b *tab) { b.enter(b.member(withApp)); b.open("/guide/tickets") }},
	{name: "missing", status: 404, lead: func(b *tab) { b.now(during); b.open("/there/is/nothing") }},
	{name: "missing-signed-in", status: 404, lead: func(b *tab) { b.enter(b.member(withApp)); b.open("/there/is/nothing") }},
	{name: "closed", status: 503, lead: func(b *tab) {
		b.maintain(opens, opens.Add(5*time.Hour))
		b.now(opens.Add(time.Hour))
		b.open("/signin")
	}},
	{name: "closed-signed-in", status: 503, lead: func(b *tab) {
		b.enter(b.member(withApp))
		b.maintain(during.Add(time.Minute), during.Add(time.Hour))
		b.later(10 * time.Minute)
		b.open("/profile")
	}},

	{name: "operator-signin", status: 200, lead: func(b *tab) { b.now(during); b.open("/operator/signin") }},
	{name: "operator-start", status: 200, lead: func(b *tab) { b.start() }},
	{name: "operator-start-wrong", status: 422, posted: true, lead: func(b *tab) { b.start(); b.press(primary) }},
	{name: "operator-start-dead", status: 404, lead: func(b *tab) { b.now(during); b.open("/operator/start/none") }},
	{name: "operator-setup", status: 200, lead: func(b *tab) { b.begin() }},
	{name: "operator-done", status: 200, lead: func(b *tab) { b.begin(); b.fill("code", b.oathOf(b.scan().Query().Get("secret"))) }},
}

// member is somebody of the organization, on a day in the period.
func (b *tab) member(traits ...trait) *person {
	b.Helper()
	p := b.person("Hanako Sato", traits...)
	b.now(during)
	return p
}

// staff is an operator, on a day in the period.
func (b *tab) staff() *person {
	b.Helper()
	p := b.operator()
	b.now(during)
	return p
}

// wrongCodes signs in and types wrong codes until the sign-in ends.
func (b *tab) wrongCodes(p *person) {
	b.Helper()
	b.signIn(p)
	for range 5 {
		b.fill("code", "000000")
	}
}

// choose takes a method, as a Portal Admin may.
func (b *tab) choose(method string) {
	b.Helper()
	b.open("/setup/method")
	b.do(chromedp.Click(chromedp.CSS("input[value=" + method + "]")))
	b.press(primary)
	b.at("/setup", http.StatusOK)
}

// mailbox has a code mailed and types it.
func (b *tab) mailbox(p *person) {
	b.Helper()
	mails := b.sink.count(p.Email)
	b.press(primary)
	b.fill("code", b.sink.code(p.Email, mails))
}

func (b *tab) untilApp(p *person) {
	b.Helper()
	b.signIn(p)
	b.open("/setup")
	b.mailbox(p)
}

func (b *tab) untilPassword() {
	b.Helper()
	b.untilApp(b.member(weak))
	b.at("/setup/password", http.StatusOK)
}

// forgot asks for a link to reset the password.
func (b *tab) forgot(p *person) {
	b.Helper()
	b.open("/password/forgot")
	b.fill("email", p.Email, "name", p.Name, "phone", p.Phone)
	b.at("/password/forgot/sent", http.StatusOK)
}

// reset opens the mailed link.
func (b *tab) reset(p *person) {
	b.Helper()
	mails := b.sink.count(p.Email)
	b.forgot(p)
	b.open(b.sink.link(p.Email, mails))
}

// renew sets a new password by the mailed link.
func (b *tab) renew(p *person) {
	b.Helper()
	b.reset(p)
	b.fill("password", "marble under quiet snow", "password_again", "marble under quiet snow")
}

// aside is a session of somebody for whom a new password waits.
func (b *tab) aside() {
	b.Helper()
	p := b.member(withMail)
	b.enter(p)
	b.tab(b.lang).renew(p)
}

// stop is what 25 wrong codes in 30 days bring about.
func (s *stage) stop(p *person) {
	s.Helper()
	s.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `insert into second_step_state (organization_id, holder_id, stopped_at) values ($1, $2, $3)`,
			p.Organization, p.ID, store.Micros(tx.Now()))
		return err
	})
}

// start opens the link of the first operator.
func (b *tab) start() {
	b.Helper()
	b.now(during)
	var token string
	b.write(func(ctx context.Context, tx *store.Tx) (err error) {
		token, _, err = pass.Give(ctx, tx, operator.First, pass.Operator, pass.Given{By: "browsertest", Why: "first operator"})
		return err
	})
	b.open("/operator/start/" + token)
}

// begin sets the first operator's password, which leads to the app.
func (b *tab) begin() {
	b.Helper()
	b.start()
	b.fill("email", "olga@portal.example", "name", "Olga Berg", "password", "lantern over harbor", "password_again", "lantern over harbor")
	b.at("/setup/totp", http.StatusOK)
}

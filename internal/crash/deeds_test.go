package crash

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"html"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"nidan/internal/account"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/totp"
)

// patience is how long somebody waits for a letter before he does something else.
const patience = 2 * time.Second

var (
	codeShown  = regexp.MustCompile(`(?m)^\s*(\d{4} \d{4})\s*$`)
	resetShown = regexp.MustCompile(`/password/reset/([A-Za-z0-9_-]{43})`)
	passShown  = regexp.MustCompile(`/pass/([A-Za-z0-9_-]{43})`)
	keyShown   = regexp.MustCompile(`otpauth://totp/[^"]*secret=([A-Z2-7]{32})`)
	ticketMade = regexp.MustCompile(`^/tickets/(T-\d+)\?done=created$`)
	personMade = regexp.MustCompile(`^/accounts/([0-9a-f-]{36})\?done=added$`)
)

// crowd sets everybody going; the answer waits until all are home.
func (w *world) crowd() (home func()) {
	var all sync.WaitGroup
	each := func(pause time.Duration, deed func()) {
		all.Go(func() {
			for !w.isOver() {
				w.do(deed)
				time.Sleep(pause)
			}
		})
	}
	turn := func(list []*person, deed func(*person)) func() {
		next := 0
		return func() { next++; deed(list[next%len(list)]) }
	}
	half := len(w.signers) / 2
	each(5*time.Millisecond, turn(w.signers[:half], w.sign))
	each(5*time.Millisecond, turn(w.signers[half:], w.sign))
	each(20*time.Millisecond, turn(w.mailers, w.signByMail))
	for range 2 {
		each(5*time.Millisecond, func() {
			select {
			case p := <-w.newcomers:
				w.enroll(p)
			default:
				time.Sleep(50 * time.Millisecond)
			}
		})
	}
	each(50*time.Millisecond, turn(w.resetters, w.reset))
	each(50*time.Millisecond, turn(w.recoverers, func(p *person) { w.recover(p, w.admins[0]) }))
	each(20*time.Millisecond, func() { w.govern(w.admins[1]) })
	each(100*time.Millisecond, turn(w.late, w.tooLate))
	each(100*time.Millisecond, turn(w.ending, w.untilTheEnd))
	each(50*time.Millisecond, func() { w.lock(w.locked) })
	return all.Wait
}

// after does each deed once more, with nobody killed. What a person does by chance is
// not left to it here.
func (w *world) after() {
	w.t.Helper()
	w.sure = true
	c := w.calm
	w.sign(c.signer)
	w.wrongCodeOf(c.victim)
	w.signByMail(c.mailer)
	w.enroll(c.chief)
	w.enroll(c.newcomer)
	w.reset(c.resetter)
	w.recover(c.recoverer, c.admin)
	w.act(c.admin, c.victim, "method", "account:method:changed", "/accounts/"+c.victim.ID+"?done=mailotp", "method", "mailotp")
	w.act(c.admin, c.victim, "suspend", "account:person:suspended", "/accounts/"+c.victim.ID+"?done=suspend")
	w.add(c.admin)
	yes := true
	c.victim.sure.method, c.victim.sure.suspended = account.MailOTP, &yes
	for len(w.failuresOf(w.locked)) == 0 {
		if w.locked.enter().verdict("/signin/code") == done {
			w.wrongCode(w.locked)
		}
	}
	tally := w.tally()
	for _, deed := range []string{appCode, mailedCode, resetLink, passLink, enrolling, opening, comment, adding, governing} {
		if tally[deed][done] == 0 {
			w.t.Errorf("nobody did %s", deed)
		}
	}
}

// wrongCodeOf is a wrong code of somebody, at a sign-in of its own.
func (w *world) wrongCodeOf(p *person) {
	if p.enter().verdict("/signin/code") == done {
		w.wrongCode(p)
	}
}

// failuresOf are somebody's wrong codes that were answered.
func (w *world) failuresOf(p *person) (list []event) {
	for _, e := range w.all() {
		if e.Ref == p.Ref && e.deed == wrongCode && e.value == "counted" {
			list = append(list, e)
		}
	}
	return list
}

// chance is one in n; after the last kill nothing is left to it.
func (w *world) chance(n int) bool { return !w.sure && rand.IntN(n) == 0 }

// enter types the password.
func (p *person) enter() answer { return p.enterBy(p.browser, p.password) }

func (p *person) enterBy(b *browser, password string) answer {
	return b.post("password", "/signin", "email", p.Email, "password", password)
}

// step is one whose code may be accepted now and was not typed yet; 0: there is none.
func (w *world) step(p *person) int64 {
	now := totp.Step(time.Now())
	step := max(now, p.lastStep+1, w.floor.Load()+1)
	if step > now+1 {
		return 0
	}
	p.lastStep = step
	return step
}

// code makes a code a secret of its owner.
func (w *world) code(p *person, key []byte, step int64) string {
	code := totp.Code(key, step)
	w.secret(code, p.Email)
	return code
}

// sign is a sign-in with an app, and what is done once in.
func (w *world) sign(p *person) {
	if p.cookie != "" {
		w.still(p)
	}
	if rand.IntN(10) == 0 {
		w.wrongPassword(p, phrase())
	}
	if p.enter().verdict("/signin/code") != done {
		return
	}
	if rand.IntN(5) == 0 && p.run < 3 && p.wrong < 15 {
		w.wrongCode(p)
	}
	w.beneathTheFloor(p)
	step := w.step(p)
	if step == 0 { // typed before, and of this moment: it must not work again
		if now := totp.Step(time.Now()); p.lastStep <= now+1 && p.lastStep >= now {
			w.typed(p, p.lastStep)
		}
		p.cookie = ""
		return
	}
	v := w.typed(p, step)
	if v == unknown { // the same once more, as people do
		if p.enter().verdict("/signin/code") != done {
			return
		}
		v = w.typed(p, step)
	}
	if v != done {
		p.cookie = ""
		return
	}
	p.run = 0
	w.ask(p)
}

// typed types the code of a step at a sign-in.
func (w *world) typed(p *person, step int64) verdict {
	a := p.post("code", "/signin/code", "code", w.code(p, p.key, step))
	v := a.verdict("/")
	w.note(event{Ref: p.Ref, deed: appCode, value: fmt.Sprintf("%s/%d", p.ID, step), verdict: v, act: "account:code:accepted", subject: p.ID,
		cookie: p.cookie, asked: a.asked})
	return v
}

// still looks whether a session that was given is there.
func (w *world) still(p *person) {
	a := p.get("/profile")
	if a.broken() || a.status >= 500 {
		return
	}
	v := refused
	if a.status == http.StatusOK {
		v = done
	}
	w.note(event{Ref: p.Ref, deed: stayedIn, verdict: v, cookie: p.cookie, asked: a.asked})
}

// beneathTheFloor types a code that may have been accepted in a past that was lost.
func (w *world) beneathTheFloor(p *person) {
	now := totp.Step(time.Now())
	if now > w.floor.Load() || p.lastStep >= now || rand.IntN(3) > 0 {
		return
	}
	a := p.post("code", "/signin/code", "code", w.code(p, p.key, now))
	w.note(event{Ref: p.Ref, deed: deadCode, value: "beneath the floor", verdict: a.verdict("/"), asked: a.asked})
}

// wrongPassword types a password that is none of his, or none any more.
func (w *world) wrongPassword(p *person, text string) {
	a := p.enterBy(p.browser, text)
	w.note(event{Ref: p.Ref, deed: deadCode, value: "password", verdict: a.verdict("*"), asked: a.asked})
}

// wrongCode types a code that is none, and knows whether it counted.
func (w *world) wrongCode(p *person) (ended bool) {
	code := ""
	for code == "" || totp.Search(p.key, code, time.Now()).Step != 0 {
		code = secret.Digits(totp.Digits)
	}
	a := p.post("code", "/signin/code", "code", code)
	e := event{Ref: p.Ref, deed: wrongCode, verdict: a.verdict("*"), asked: a.asked}
	if a.status == http.StatusUnprocessableEntity || a.status == http.StatusForbidden {
		e.value = "counted"
		p.run, p.wrong = p.run+1, p.wrong+1
	}
	if e.verdict == unknown {
		p.run, p.wrong = p.run+1, p.wrong+1
	}
	w.note(e)
	return a.status == http.StatusForbidden
}

// ask opens a ticket and says something in it.
func (w *world) ask(p *person) {
	if w.chance(2) {
		return
	}
	summary := "Question " + secret.ID()
	a := p.post("ticket", "/tickets/new", "form", secret.ID(), "category", "portal", "service", "business-portal", "kind", "question",
		"urgency", "normal", "summary", summary, "detail", "What is it?")
	v := a.verdict("/tickets/*")
	w.note(event{Ref: p.Ref, deed: opening, value: summary, verdict: v, asked: a.asked})
	made := ticketMade.FindStringSubmatch(a.to)
	if v != done || made == nil {
		return
	}
	text := "Comment " + secret.ID()
	a = p.post("ticket", "/tickets/"+made[1], "form", secret.ID(), "version", "1", "act", "comment", "text", text)
	w.note(event{Ref: p.Ref, deed: comment, value: text, verdict: a.verdict("/tickets/*"), asked: a.asked})
}

// mailedCode waits for a code that was mailed since.
func (w *world) mailedCode(p *person, seen int) string {
	shown, ok := w.relay.since(seen, p.Email, codeShown, patience)
	if !ok {
		return ""
	}
	code := strings.ReplaceAll(shown, " ", "")
	w.secret(code, p.Email)
	w.secret(shown, p.Email)
	return code
}

// signByMail is a sign-in with a mailed code.
func (w *world) signByMail(p *person) {
	if p.mails >= 4 || p.run >= 3 {
		time.Sleep(50 * time.Millisecond)
		return
	}
	seen := w.relay.count()
	if p.enter().verdict("/signin/code") != done {
		return
	}
	p.mails++
	code := w.mailedCode(p, seen)
	if code == "" { // a killed portal has it in hand
		if p.mails >= 4 || p.post("mailed", "/signin/code", "act", "send").verdict("/signin/code") != done {
			return
		}
		p.mails++
		if code = w.mailedCode(p, seen); code == "" {
			return
		}
	}
	for range 2 {
		a := p.post("mailed", "/signin/code", "code", code)
		v := a.verdict("/")
		w.note(event{Ref: p.Ref, deed: mailedCode, value: code + "/" + p.ID, verdict: v, act: "account:code:accepted", subject: p.ID,
			cookie: p.cookie, asked: a.asked})
		switch {
		case v == done:
			p.run, p.mails = 0, p.mails-1
			w.ask(p)
			return
		case a.status == http.StatusUnprocessableEntity:
			p.run++
			return
		case v == refused:
			return
		}
	}
}

// again puts somebody back among those who have not set it up.
func (w *world) again(p *person) {
	if p.mails < 4 {
		w.newcomers <- p
	}
}

// enroll is a set-up in the period.
func (w *world) enroll(p *person) {
	if p.enter().verdict("/") != done {
		w.again(p)
		return
	}
	other := &browser{w: w, network: p.network}
	if rand.IntN(3) == 0 {
		p.enterBy(other, p.password)
	}
	byMail := p.Authority == account.PortalAdmin && !w.chance(3)
	if p.Authority == account.PortalAdmin {
		method := account.TOTP
		if byMail {
			method = account.MailOTP
		}
		if p.post("setup", "/setup/method", "method", string(method)).verdict("/setup*") != done {
			w.again(p)
			return
		}
	}
	seen := w.relay.count()
	if p.post("setup", "/setup").verdict("/setup/mailbox") != done {
		w.again(p)
		return
	}
	p.mails++
	code := w.mailedCode(p, seen)
	if code == "" {
		w.again(p)
		return
	}
	a := p.post("setup", "/setup/mailbox", "code", code)
	if byMail {
		w.enrolledByMail(p, a, code)
	} else if a.verdict("/setup/totp") == done {
		p.mails--
		w.enrollApp(p, "setup", "")
	} else {
		w.again(p)
	}
	if (p.key != nil || p.sure.method == account.MailOTP) && other.cookie != "" {
		w.oneStepped(p, other, "a session that set-up has ended")
	}
}

func (w *world) enrolledByMail(p *person, a answer, code string) {
	v := a.verdict("/setup/done")
	w.note(event{Ref: p.Ref, deed: mailedCode, value: code + "/" + p.ID, verdict: v, cookie: p.cookie, asked: a.asked})
	w.note(event{Ref: p.Ref, deed: enrolling, verdict: v, act: "account:method:enrolled", subject: p.ID, asked: a.asked})
	switch v {
	case done:
		p.mails--
		p.sure.method = account.MailOTP
	case unknown:
		w.look(p)
	default:
		w.again(p)
	}
}

// enrollApp sets up an app whose page may be opened. pass is what is spent with it.
func (w *world) enrollApp(p *person, kind, pass string) {
	key := w.shown(p)
	if key == nil {
		if pass == "" {
			w.again(p)
		}
		return
	}
	step := w.step(p)
	if step == 0 || pass == "" && w.chance(6) { // half-way enrolls nothing, and this secret never opens anything
		p.old = append(p.old, key)
		if pass == "" {
			w.again(p)
		}
		return
	}
	a := p.post(kind, "/setup/totp", "code", w.code(p, key, step))
	v := a.verdict("/setup/done")
	w.note(event{Ref: p.Ref, deed: enrolling, value: fmt.Sprintf("%s/%d", p.ID, step), verdict: v, act: "account:method:enrolled", subject: p.ID,
		cookie: p.cookie, asked: a.asked})
	w.note(event{Ref: p.Ref, deed: appCode, value: fmt.Sprintf("%s/%d", p.ID, step), verdict: v, cookie: p.cookie, asked: a.asked})
	if pass != "" {
		w.note(event{Ref: p.Ref, deed: passLink, value: pass, verdict: v, asked: a.asked})
	}
	if v == unknown {
		w.look(p)
		if string(p.key) == string(key) {
			v = done
		}
	}
	switch {
	case v == done:
		if p.key != nil && string(p.key) != string(key) {
			p.old = append(p.old, p.key)
		}
		p.key, p.sure.key, p.sure.method, p.run = key, key, account.TOTP, 0
	default:
		p.old = append(p.old, key)
		if pass == "" {
			w.again(p)
		}
	}
	w.dead(p)
}

// shown is the secret that the page of set-up shows.
func (w *world) shown(p *person) []byte {
	found := keyShown.FindStringSubmatch(html.UnescapeString(p.get("/setup/totp").body))
	if found == nil {
		return nil
	}
	w.secret(found[1], p.Email)
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(found[1])
	if err != nil {
		w.t.Error(err)
	}
	return key
}

// dead types a code of a secret that was never confirmed, or that was replaced.
func (w *world) dead(p *person) {
	if len(p.old) == 0 || p.key == nil || p.run >= 3 || p.wrong >= 15 {
		return
	}
	b := p.browser
	p.browser = &browser{w: w, network: b.network}
	defer func() { p.browser = b }()
	if p.enter().verdict("/signin/code") != done {
		return
	}
	step := totp.Step(time.Now())
	a := p.post("code", "/signin/code", "code", w.code(p, p.old[rand.IntN(len(p.old))], max(step, min(step+1, w.floor.Load()+1))))
	e := event{Ref: p.Ref, deed: deadCode, value: "secret", verdict: a.verdict("/"), asked: a.asked}
	if a.broken() || a.status == http.StatusUnprocessableEntity {
		p.run, p.wrong = p.run+1, p.wrong+1
	}
	w.note(e)
	if a.status == http.StatusUnprocessableEntity {
		w.note(event{Ref: p.Ref, deed: wrongCode, value: "counted", verdict: refused, asked: a.asked})
	} else if a.broken() {
		w.note(event{Ref: p.Ref, deed: wrongCode, verdict: unknown, asked: a.asked})
	}
}

// look learns from the database what became of what nobody answered.
func (w *world) look(p *person) {
	w.up()
	w.with(func(db *store.DB) {
		ctx := context.Background()
		found, err := totp.Find(ctx, db, w.keys, p.Ref)
		switch {
		case err == nil:
			if p.key != nil && string(p.key) != string(found.Secret) {
				p.old = append(p.old, p.key)
			}
			p.key, p.sure.key = found.Secret, found.Secret
		case !errors.Is(err, store.ErrNone):
			w.t.Error(err)
		}
		a, err := account.Find(ctx, db, p.Ref)
		p.sure.gone = errors.Is(err, store.ErrNone)
		if err == nil {
			p.Method, p.sure.method = a.Method, a.Method
			if p.key == nil && a.Method == account.TOTP {
				p.sure.method = "" // not enrolled
			}
			suspended := !a.Suspended.IsZero()
			p.sure.suspended = &suspended
		} else if !p.sure.gone {
			w.t.Error(err)
		}
	})
}

// reset forgets a password and sets another by the mailed link.
func (w *world) reset(p *person) {
	if p.resets >= 4 {
		w.sign(p)
		return
	}
	p.resets++
	seen := w.relay.count()
	if p.post("reset", "/password/forgot", "email", p.Email, "name", p.Name, "phone", p.Phone).verdict("/password/forgot/sent") != done {
		return
	}
	token, ok := w.relay.since(seen, p.Email, resetShown, patience)
	if !ok {
		return
	}
	w.secret(token, p.Email)
	for range 2 {
		text := phrase()
		w.secret(text, p.Email)
		a := p.post("reset", "/password/reset/"+token, "password", text, "password_again", text)
		v := a.verdict("/password/reset/" + token + "/done")
		w.note(event{Ref: p.Ref, deed: resetLink, value: token, verdict: v, act: "account:password:reset", subject: p.ID, asked: a.asked})
		if v == unknown && w.used(token, a.asked) {
			v = done
		}
		if v == done {
			before := p.password
			p.password, p.sure.password, p.cookie = text, text, ""
			w.wrongPassword(p, before)
		}
	}
}

// used asks the database whether a link was used since.
func (w *world) used(token string, since time.Time) (used bool) {
	w.up()
	w.with(func(db *store.DB) {
		err := db.QueryRow(context.Background(), `select coalesce(used_at, 0) >= $1 from password_reset where digest = $2`,
			store.Micros(since), secret.Digest(token)).Scan(&used)
		if err != nil && !errors.Is(err, store.ErrNone) {
			w.t.Error(err)
		}
	})
	return used
}

// in says whether a Portal Admin can act, and signs in if need be.
func (w *world) in(admin *person) bool {
	if admin.cookie != "" && admin.get("/accounts/new").status == http.StatusOK {
		return true
	}
	if admin.enter().verdict("/signin/code") != done {
		return false
	}
	step := w.step(admin)
	return step != 0 && w.typed(admin, step) == done
}

// act has a Portal Admin do something to somebody.
func (w *world) act(admin, whom *person, path, record, to string, form ...string) verdict {
	a := admin.post("admin", "/accounts/"+whom.ID+"/"+path, form...)
	v := a.verdict(to)
	w.note(event{Ref: admin.Ref, deed: governing, value: record, verdict: v, act: record, subject: whom.ID, cookie: admin.cookie, asked: a.asked})
	if v == unknown {
		w.look(whom)
	}
	return v
}

// recover is a lost device: a Portal Admin gives a pass, by it the owner sets up anew.
func (w *world) recover(p, admin *person) {
	if !w.in(admin) {
		return
	}
	seen := w.relay.count()
	w.act(admin, p, "pass", "account:pass:given", "/accounts/*", "way", "mail", "why", "The device is lost")
	token, ok := w.relay.since(seen, p.Email, passShown, patience)
	if !ok {
		return
	}
	w.secret(token, p.Email)
	for range 2 { // the second time it opens nothing
		if p.enter().verdict("/signin/code") != done {
			return
		}
		if p.post("pass", "/pass/"+token).verdict("/") != done {
			return
		}
		w.enrollApp(p, "pass", token)
	}
}

// govern is a Portal Admin at work.
func (w *world) govern(admin *person) {
	if !w.in(admin) {
		return
	}
	if rand.IntN(4) == 0 {
		w.add(admin)
		return
	}
	p := w.victims[rand.IntN(len(w.victims))]
	yes, no := true, false
	place := "/accounts/" + p.ID + "?done="
	switch suspended := p.sure.suspended; {
	case suspended != nil && *suspended:
		if w.act(admin, p, "return", "account:person:returned", place+"return") == done {
			p.sure.suspended = &no
		}
	case rand.IntN(3) == 0:
		if w.act(admin, p, "suspend", "account:person:suspended", place+"suspend") == done {
			p.sure.suspended = &yes
		}
	default:
		to := account.MailOTP
		if p.sure.method == account.MailOTP {
			to = account.TOTP
		}
		if w.act(admin, p, "method", "account:method:changed", place+string(to), "method", string(to)) == done {
			p.sure.method = to
		}
	}
}

// add adds somebody and, now and then, deletes him.
func (w *world) add(admin *person) {
	email := "added-" + secret.ID() + "@aozora.example"
	a := admin.post("admin", "/accounts/new", "name", "Somebody New", "email", email, "phone", "0312345678", "language", "en",
		"authority", "general_user", "time_zone", "UTC", "method", "totp")
	e := event{Ref: admin.Ref, deed: adding, value: email, verdict: a.verdict("/accounts/*"), act: "account:person:added", asked: a.asked}
	if made := personMade.FindStringSubmatch(a.to); made != nil {
		e.subject = made[1]
	}
	w.note(e)
	if e.subject == "" || w.chance(2) {
		return
	}
	p := &person{Account: account.Account{Ref: account.Ref{Organization: admin.Organization, ID: e.subject}, Email: email}}
	if w.act(admin, p, "delete", "account:person:deleted", "/accounts?done=delete") == done {
		p.sure.gone = true
	}
	w.meet(p)
}

// meet adds somebody to everybody.
func (w *world) meet(p *person) {
	w.metMu.Lock()
	defer w.metMu.Unlock()
	w.everybody = append(w.everybody, p)
}

// oneStepped looks whether a session of one step opens anything.
func (w *world) oneStepped(p *person, b *browser, what string) {
	for _, ask := range []func() answer{
		func() answer { return b.get("/profile") },
		func() answer { return b.post("", "/setup") },
		func() answer {
			return b.post("", "/tickets/new", "form", secret.ID(), "category", "portal", "service", "business-portal", "kind", "question",
				"urgency", "normal", "summary", "late", "detail", "late")
		},
	} {
		a := ask()
		v := a.verdict("/setup*", "/tickets*")
		if a.status == http.StatusOK {
			v = done
		}
		w.note(event{Ref: p.Ref, deed: oneStep, value: what, verdict: v, asked: a.asked})
	}
}

// tooLate is somebody whose own end is past.
func (w *world) tooLate(p *person) {
	a := p.enter()
	w.note(event{Ref: p.Ref, deed: oneStep, value: "a sign-in", verdict: a.verdict("*"), asked: a.asked})
	w.oneStepped(p, p.browser, "after the own end")
}

// untilTheEnd is somebody whose own end comes while he is signed in.
func (w *world) untilTheEnd(p *person) {
	if time.Now().After(w.ends[p.Organization]) {
		w.oneStepped(p, p.browser, "a session of before the own end")
		return
	}
	if p.cookie == "" || p.get("/profile").status != http.StatusOK {
		p.enter()
	}
}

// lock types wrong codes until none is looked at, and then right ones.
func (w *world) lock(p *person) {
	failures := w.failuresOf(p)
	counted, last := len(failures), time.Time{}
	if counted > 0 {
		last = failures[counted-1].asked
	}
	if counted >= 5 && time.Now().After(last.Add(25*time.Second)) || p.wrong >= 15 {
		return
	}
	if p.enter().verdict("/signin/code") != done {
		return
	}
	if counted < 5 {
		w.wrongCode(p)
		return
	}
	if step := w.step(p); step != 0 {
		a := p.post("code", "/signin/code", "code", w.code(p, p.key, step))
		w.note(event{Ref: p.Ref, deed: lockedCode, verdict: a.verdict("/"), asked: a.asked})
	}
}

package crash

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"nidan/internal/account"
	"nidan/internal/secret"
	"nidan/internal/totp"
	"nidan/internal/verification"
)

// patience is how long somebody waits for a letter before he does something else.
func (w *world) patience() time.Duration {
	if w.sure {
		return time.Minute
	}
	return 2 * time.Second
}

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
	shown, ok := w.relay.since(seen, p.Email, codeShown, w.patience())
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
		if time.Now().Before(last.Add(verification.FirstWait)) { // the wrong one was counted after it was asked
			w.note(event{Ref: p.Ref, deed: lockedCode, verdict: a.verdict("/"), asked: a.asked})
		}
	}
}

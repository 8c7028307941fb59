package crash

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"nidan/internal/account"
	"nidan/internal/secret"
	"nidan/internal/store"
)

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
	token, ok := w.relay.since(seen, p.Email, resetShown, w.patience())
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
	token, ok := w.relay.since(seen, p.Email, passShown, w.patience())
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

package crash

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"html"
	"math/rand/v2"
	"net/http"
	"time"

	"nidan/internal/account"
	"nidan/internal/store"
	"nidan/internal/totp"
)

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

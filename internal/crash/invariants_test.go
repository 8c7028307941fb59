package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/totp"
	"nidan/internal/verification"
)

// check is one invariant, or a part of it: what it finds are breaches.
type check struct {
	invariant int // of security.md; 0 is the floor
	name      string
	find      func(ctx context.Context, r store.Reader, e *evidence) ([]string, error)
}

// evidence is what invariants are held against, beside the rows.
type evidence struct {
	*world
	events  []event
	letters []letter
	log     string
}

func (w *world) evidence() *evidence {
	return &evidence{world: w, events: w.all(), letters: w.relay.all(), log: w.logs()}
}

// checks are all of them. Invariant 12, the map of routes, is held by the tests of web.
func checks() (list []check) {
	for _, s := range statements {
		list = append(list, check{s.invariant, s.name, func(ctx context.Context, r store.Reader, e *evidence) ([]string, error) {
			return found(ctx, r, s.text, store.Micros(e.began))
		}})
	}
	return append(list,
		check{1, "a one-time value is answered as accepted once", acceptedOnce},
		check{4, "no act by one step after the own end", never(oneStep)},
		check{5, "no code of a secret, and no password, that does not count", never(deadCode)},
		check{6, "an accepted mailed code was mailed to that address", mailedThere},
		check{7, "what was answered is as answered", asAnswered},
		check{7, "everybody is as he was answered to be", everybodyIs},
		check{7, "a session that was given is there", sessionsAreThere},
		check{7, "a wrong code that was answered is counted", wrongOnesCount},
		check{7, "no right code is accepted while codes wait", never(lockedCode)},
		check{7, "the ledger accepts nothing during a wait", waits},
		check{8, "rows that belong together have one organization", together},
		check{9, "each act that was answered has its record", recorded},
		check{9, "the chains of the record have no gap", chained},
		check{10, "what is noted as sent arrived, and nothing else did", arrived},
		check{11, "no log holds a secret", inLogs},
		check{11, "no text of the database holds a secret", inTexts},
		check{11, "no mail holds somebody else's secret", inMails},
		check{0, "after an unclean start the floor is raised", floors},
	)
}

// final are the checks that only hold once the post has come to an end.
var final = map[string]bool{"every letter is sent or parked in the end": true}

// breaches runs all checks; ended says that the post has come to its end.
func breaches(ctx context.Context, r store.Reader, e *evidence, ended bool) (list []string, err error) {
	for _, c := range checks() {
		if final[c.name] && !ended {
			continue
		}
		what, err := c.find(ctx, r, e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		for i, text := range what {
			if i == 5 {
				text = fmt.Sprintf("and %d more", len(what)-5)
			}
			list = append(list, fmt.Sprintf("invariant %d, %s: %s", c.invariant, c.name, text))
			if i == 5 {
				break
			}
		}
	}
	return list, nil
}

func (e event) String() string {
	return fmt.Sprintf("%s %q of %s at %s", e.deed, e.value, e.ID, e.asked.Format("15:04:05.000000"))
}

// acceptedOnce counts the yeses to each one-time value. A pass is redeemed and then
// spent: it is spent once.
func acceptedOnce(_ context.Context, _ store.Reader, e *evidence) (list []string, _ error) {
	yes := map[string]int{}
	for _, ev := range e.events {
		if once[ev.deed] && ev.verdict == done {
			if key := ev.deed + " " + ev.value; yes[key] > 0 {
				list = append(list, ev.String())
			} else {
				yes[key]++
			}
		}
	}
	return list, nil
}

// never finds deeds that must not succeed, whoever tries.
func never(deed string) func(context.Context, store.Reader, *evidence) ([]string, error) {
	return func(_ context.Context, _ store.Reader, e *evidence) (list []string, _ error) {
		for _, ev := range e.events {
			if ev.deed == deed && ev.verdict == done {
				list = append(list, ev.String())
			}
		}
		return list, nil
	}
}

func mailedThere(_ context.Context, _ store.Reader, e *evidence) (list []string, _ error) {
	addresses := map[account.Ref]string{}
	for _, p := range e.everybody {
		addresses[p.Ref] = p.Email
	}
	for _, ev := range e.events {
		if ev.deed != mailedCode || ev.verdict != done {
			continue
		}
		code, _, _ := strings.Cut(ev.value, "/")
		there := false
		for _, l := range e.letters {
			there = there || l.to == addresses[ev.Ref] && l.at.Before(ev.asked) && strings.Contains(strings.ReplaceAll(l.text, " ", ""), code)
		}
		if !there {
			list = append(list, ev.String())
		}
	}
	return list, nil
}

// asAnswered holds what was made against the rows: done is there, refused is not.
func asAnswered(ctx context.Context, r store.Reader, e *evidence) (list []string, _ error) {
	texts := map[string]string{
		opening: `select count(*) from ticket where organization_id = $1 and holder_id = $2 and summary = $3`,
		comment: `select count(*) from ticket_entry where by_organization = $1 and by_holder = $2 and text = $3`,
		adding: `select count(*) from audit where chain = $1 and actor = $2 and act = 'account:person:added'
			and detail like '%' || cast($3 as text) || '%'`,
	}
	for _, ev := range e.events {
		text := texts[ev.deed]
		if text == "" || ev.verdict == unknown {
			continue
		}
		n, err := one(ctx, r, text, ev.Organization, ev.ID, ev.value)
		if err != nil {
			return nil, err
		}
		if want := int(ev.verdict); n != want {
			list = append(list, fmt.Sprintf("%s, answered as %s, is there %d times", ev, ev.verdict, n))
		}
	}
	for _, ev := range e.events { // the ledger of codes: done has its row, refused has none
		if ev.deed != appCode && ev.deed != enrolling || ev.verdict != done || ev.value == "" {
			continue
		}
		_, step, _ := strings.Cut(ev.value, "/")
		n, err := one(ctx, r, `select count(*) from second_step where organization_id = $1 and holder_id = $2 and cast(totp_step as text) = $3`,
			ev.Organization, ev.ID, step)
		if err != nil {
			return nil, err
		}
		if n != 1 {
			list = append(list, fmt.Sprintf("%s, answered as done, has %d records", ev, n))
		}
	}
	return list, nil
}

// everybodyIs holds what was last answered about somebody against the rows.
func everybodyIs(ctx context.Context, r store.Reader, e *evidence) (list []string, _ error) {
	for _, p := range e.everybody {
		a, err := account.Find(ctx, r, p.Ref)
		if errors.Is(err, store.ErrNone) {
			if !p.sure.gone {
				list = append(list, p.Email+" is not there")
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if p.sure.gone {
			list = append(list, p.Email+" was deleted and is there")
		}
		if p.sure.suspended != nil && *p.sure.suspended == a.Suspended.IsZero() {
			list = append(list, fmt.Sprintf("%s: suspended %v, which was answered otherwise", p.Email, !a.Suspended.IsZero()))
		}
		if p.sure.method != "" && p.sure.method != a.Method {
			list = append(list, fmt.Sprintf("%s: assigned %s, answered %s", p.Email, a.Method, p.sure.method))
		}
		if p.sure.key == nil || p.sure.method != account.TOTP {
			continue
		}
		has, err := totp.Find(ctx, r, e.keys, p.Ref)
		if err != nil && !errors.Is(err, store.ErrNone) {
			return nil, err
		}
		if !bytes.Equal(has.Secret, p.sure.key) {
			list = append(list, p.Email+" has another secret than was answered")
		}
	}
	return list, nil
}

func sessionsAreThere(ctx context.Context, r store.Reader, e *evidence) (list []string, _ error) {
	for _, ev := range e.events {
		if ev.deed == stayedIn && ev.verdict == refused {
			list = append(list, ev.String())
		}
		if ev.verdict != done || ev.cookie == "" || ev.deed != appCode && ev.deed != mailedCode {
			continue
		}
		n, err := one(ctx, r, `select count(*) from session where digest = $1 and organization_id = $2 and holder_id = $3 and code_at is not null`,
			secret.Digest(ev.cookie), ev.Organization, ev.ID)
		if err != nil {
			return nil, err
		}
		if n != 1 {
			list = append(list, ev.String()+": its session is not there")
		}
	}
	return list, nil
}

// wrongOnesCount holds the wrong codes that were answered against those counted.
func wrongOnesCount(ctx context.Context, r store.Reader, e *evidence) (list []string, _ error) {
	answered := map[account.Ref]int{}
	for _, ev := range e.events {
		if ev.deed == wrongCode && ev.value == "counted" {
			answered[ev.Ref]++
		}
		if ev.deed == wrongCode && ev.verdict == done {
			list = append(list, ev.String())
		}
	}
	for ref, n := range answered {
		counted, err := one(ctx, r, `select count(*) from second_step_failure where organization_id = $1 and holder_id = $2`, ref.Organization, ref.ID)
		if err != nil {
			return nil, err
		}
		if counted < n {
			list = append(list, fmt.Sprintf("%s: %d were answered, %d are counted", ref.ID, n, counted))
		}
	}
	return list, nil
}

// waits plays the ledger: no code is accepted before the wait after a wrong one is over.
func waits(ctx context.Context, r store.Reader, _ *evidence) (list []string, _ error) {
	tries, err := ledger(ctx, r)
	if err != nil {
		return nil, err
	}
	run, last := 0, try{}
	for _, t := range tries {
		if t.holder != last.holder {
			run = 0
		}
		switch over := store.Time(last.at).Add(verification.Wait(run)); {
		case run > 0 && store.Time(t.at).Before(over):
			list = append(list, fmt.Sprintf("%s at %s, before %s", t.holder, store.Time(t.at), over))
		case t.right:
			run = 0
		default:
			run++
		}
		last = t
	}
	return list, nil
}

func together(ctx context.Context, r store.Reader, e *evidence) (list []string, _ error) {
	for _, text := range related() {
		some, err := found(ctx, r, text, store.Micros(e.began))
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	return list, nil
}

// recorded counts the records of each act on each person against the answers.
func recorded(ctx context.Context, r store.Reader, e *evidence) (list []string, _ error) {
	type key struct{ chain, act, subject string }
	sums := map[key][3]int{}
	for _, ev := range e.events {
		if ev.act == "" || ev.subject == "" {
			continue
		}
		k := key{ev.Organization, ev.act, ev.subject}
		s := sums[k]
		s[ev.verdict]++
		sums[k] = s
	}
	for k, s := range sums {
		n, err := one(ctx, r, `select count(*) from audit where chain = $1 and act = $2 and subject = $3 and at > $4`,
			k.chain, k.act, k.subject, store.Micros(e.began))
		if err != nil {
			return nil, err
		}
		if n < s[done] || n > s[done]+s[unknown] {
			list = append(list, fmt.Sprintf("%s of %s: %d records, %d answered as done, %d not answered", k.act, k.subject, n, s[done], s[unknown]))
		}
	}
	return list, nil
}

func chained(ctx context.Context, r store.Reader, e *evidence) (list []string, _ error) {
	report, err := audit.Verify(ctx, r, e.keys, nil)
	if err != nil {
		return nil, err
	}
	for _, b := range report.Broken {
		list = append(list, b.String())
	}
	return list, nil
}

// arrived holds the relay's letters against the outbox. A letter may have come twice
// (a crash after the relay's yes), under one Message-ID.
func arrived(ctx context.Context, r store.Reader, e *evidence) (list []string, _ error) {
	came := map[string]time.Time{}
	for _, l := range e.letters {
		id, _, _ := strings.Cut(l.id, "@")
		if _, twice := came[id]; !twice {
			came[id] = l.at
		}
	}
	sent, err := found(ctx, r, `select id from mail where sent_at is not null`)
	if err != nil {
		return nil, err
	}
	for _, id := range sent {
		if _, ok := came[id]; !ok {
			list = append(list, id+" is noted as sent and did not arrive")
		}
	}
	for id, at := range came {
		n, err := one(ctx, r, `select count(*) from mail where id = $1 and (lane <> 'code' or expires_at > $2)`, id, store.Micros(at))
		if err != nil {
			return nil, err
		}
		if n != 1 {
			list = append(list, id+" arrived, and no deed of the outbox tells of it, or too late")
		}
	}
	return list, nil
}

func floors(_ context.Context, _ store.Reader, e *evidence) (list []string, _ error) {
	for _, s := range e.unclean {
		if s.floor < s.step {
			list = append(list, fmt.Sprintf("killed at %s: the floor is %d, the step was %d", s.killed, s.floor, s.step))
		}
	}
	return list, nil
}

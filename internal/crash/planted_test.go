package crash

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/clock"
	"nidan/internal/store"
)

// plant is a breach that one check must find: statements against the rows, or evidence
// to another effect. %s is the time of the seed.
type plant struct {
	check string
	sql   []string
	with  func(e *evidence)
}

// copied is a copy of one accepted code with something changed.
func copied(what, changed, at string) string {
	return `insert into second_step (id, organization_id, holder_id, session_id, door, method, totp_step, mail_code_id, at)
		select 'planted', organization_id, holder_id, 'other', 'confirm', method, ` + changed + `, mail_code_id, ` + at + ` from second_step
		where ` + what + ` is not null and at > %s order by id limit 1`
}

// gone takes the records of an act away.
func gone(act string) []string {
	return []string{`delete from audit where act = '` + act + `' and at > %s`}
}

// tooSoon are five wrong codes of somebody and a right one a second later.
func tooSoon(p *person) (list []string) {
	const far = 9_000_000_000_000_000
	for i := range 5 {
		list = append(list, fmt.Sprintf(`insert into second_step_failure (id, organization_id, holder_id, session_id, door, at)
			values ('planted %d', '%s', '%s', 'other', 'signin', %d)`, i, p.Organization, p.ID, far+i))
	}
	return append(list, fmt.Sprintf(`insert into second_step (id, organization_id, holder_id, session_id, door, method, totp_step, at)
		values ('planted', '%s', '%s', 'other', 'confirm', 'totp', 999999999, %d)`, p.Organization, p.ID, far+1_000_000))
}

func (w *world) plants() []plant {
	late := w.late[0]
	also := func(e event) func(*evidence) { return func(ev *evidence) { ev.events = append(ev.events, e) } }
	of := w.signers[0].Ref
	lives := w.signers[0].password
	return []plant{
		{check: "a step is accepted once", sql: []string{`drop index second_step_totp`, copied("totp_step", "totp_step", "at + 1")}},
		{check: "a mailed code is accepted once", sql: []string{`drop index second_step_mail`, copied("mail_code_id", "totp_step", "at + 1")}},
		{check: "an accepted mailed code was the session's newest, in time, and is spent",
			sql: []string{`update mail_code set used_at = null where id in (select mail_code_id from second_step where at > %s)`}},
		{check: "a spent pass was open", sql: []string{`update pass set withdrawn_at = 1 where spent_at > %s`}},
		{check: "a used reset link was open", sql: []string{`update password_reset set expires_at = used_at where used_at > %s`}},
		{check: "accepted steps rise", sql: []string{copied("totp_step", "totp_step - 1000", "at + 1")}},
		{check: "the last step is the highest accepted", sql: []string{`update totp set last_step = 1`}},
		{check: "a two-step session has one second step",
			sql: []string{`update second_step set session_id = 'other' where id = (select min(id) from second_step where door = 'signin' and at > %s)`}},
		{check: "a fresh code has its second step", sql: []string{`update session set fresh_code_at = fresh_code_at + 1 where code_at > %s`}},
		{check: "nobody asks anything after the own end without a second step", sql: []string{fmt.Sprintf(
			`update ticket_entry set by_organization = '%s', by_holder = '%s' where at > %%s`, late.Organization, late.ID)}},
		{check: "nobody enrolls after the own end without a pass", sql: []string{fmt.Sprintf(
			`update totp set organization_id = '%s', holder_id = '%s' where holder_id = (select min(holder_id) from totp where enrolled_at > %%s)`, late.Organization, late.ID)}},
		{check: "an enrolled secret was confirmed", sql: []string{`update totp set enrolled_at = enrolled_at + 1 where enrolled_at > %s`}},
		{check: "a finished set-up keeps no secret", sql: []string{`update setup set password_hash = 'x' where finished_at > %s`}},
		{check: "MailOTP was assigned by a Portal Admin", sql: []string{`update audit set detail = '{}' where act = 'account:method:changed'`}},
		{check: "an accepted code had been handed to the post for that address", sql: []string{`update mail set recipient = 'other' where lane = 'code'`}},
		{check: "an accepted code has one record", sql: gone("account:code:accepted")},
		{check: "a wrong code has one record", sql: gone("account:code:refused")},
		{check: "an enrolled app has one record", sql: gone("account:method:enrolled")},
		{check: "an enrolled MailOTP has one record", sql: []string{`update mailotp set enrolled_at = %s + 1`}},
		{check: "a changed method has one record", sql: []string{`update account set method_at = method_at + 1 where method_at > created_at and method_at > %s`}},
		{check: "a suspension has one record", sql: []string{`update account set suspended_at = %s + 1`}},
		{check: "a reset has one record", sql: gone("account:password:reset")},
		{check: "a pass has one record", sql: gone("account:pass:given")},
		{check: "a spent pass has its set-up's record", sql: gone("account:method:enrolled")},
		{check: "an act is written down once", sql: []string{`insert into audit (chain, seq, at, act, actor_kind, actor, subject, network, detail, previous, digest)
			select chain, seq + 1000000, at, act, actor_kind, actor, subject, network, detail, previous, digest from audit where at > %s`}},
		{check: "what the owner is told of stands in the outbox", sql: []string{`delete from mail where lane = 'notice'`}},
		{check: "every letter is sent or parked in the end", sql: []string{`update mail set sent_at = null`}},
		{check: "no code is sent after its expiry", sql: []string{`update mail set expires_at = sent_at - 1 where sent_at > %s and lane = 'code'`}},
		{check: "no letter to somebody who is there is dropped before its expiry",
			sql: []string{`update mail set dropped_at = sent_at, sent_at = null where sent_at > %s and lane = 'notice' and kind <> 'person-delete'`}},
		{check: "a one-time value is answered as accepted once", with: func(e *evidence) {
			for _, ev := range e.events {
				if ev.deed == appCode && ev.verdict == done {
					e.events = append(e.events, ev)
					return
				}
			}
		}},
		{check: "no act by one step after the own end", with: also(succeeded(of, oneStep))},
		{check: "no code of a secret, and no password, that does not count", with: also(succeeded(of, deadCode))},
		{check: "no right code is accepted while codes wait", with: also(succeeded(of, lockedCode))},
		{check: "an accepted mailed code was mailed to that address", with: func(e *evidence) { e.letters = nil }},
		{check: "what was answered is as answered", sql: []string{`delete from ticket_entry where kind = 'comment'`}},
		{check: "what was answered is as answered", sql: []string{`update second_step set totp_step = totp_step - 100000 where at > %s`}},
		{check: "what was answered is as answered", with: func(e *evidence) { // a refusal that was none
			for i, ev := range e.events {
				if ev.deed == opening && ev.verdict == done {
					e.events[i].verdict = refused
				}
			}
		}},
		{check: "everybody is as he was answered to be", sql: []string{fmt.Sprintf(`delete from totp where holder_id = '%s'`, of.ID)}},
		{check: "everybody is as he was answered to be", sql: []string{fmt.Sprintf(`update account set method = 'mailotp' where id = '%s'`, of.ID)}},
		{check: "a session that was given is there", sql: []string{`update session set code_at = null`}},
		{check: "a session that was given is there", with: func(e *evidence) {
			e.events = append(e.events, succeeded(of, stayedIn))
			e.events[len(e.events)-1].verdict = refused
		}},
		{check: "a wrong code that was answered is counted", sql: []string{`delete from second_step_failure`}},
		{check: "the ledger accepts nothing during a wait", sql: tooSoon(w.locked)},
		{check: "each act that was answered has its record", sql: gone("account:code:accepted")},
		{check: "each act that was answered has its record", sql: []string{`insert into audit (chain, seq, at, act, actor_kind, actor, subject, network, detail, previous, digest)
			select chain, seq + 1000000, at + 1, act, actor_kind, actor, subject, network, detail, previous, digest from audit where at > %s and act = 'account:person:added'`}},
		{check: "the chains of the record have no gap", sql: []string{`delete from audit where seq = 7`}},
		{check: "what is noted as sent arrived, and nothing else did", with: func(e *evidence) { e.letters = nil }},
		{check: "what is noted as sent arrived, and nothing else did", sql: []string{`delete from mail where lane = 'code'`}},
		{check: "no log holds a secret", with: func(e *evidence) { e.log += "\nerror=" + lives + "\n" }},
		{check: "no log holds a secret", with: func(e *evidence) { e.secret("918273", ""); e.log += "\ncode=918273\n" }},
		{check: "no text of the database holds a secret", sql: []string{fmt.Sprintf(`update account set job_title = 'x%sx' where id = '%s'`, lives, of.ID)}},
		{check: "no mail holds somebody else's secret", with: func(e *evidence) {
			e.letters = append(e.letters, letter{to: "other@aozora.example", text: "Hello\n" + lives})
		}},
		{check: "after an unclean start the floor is raised", with: func(e *evidence) {
			e.unclean = append(e.unclean, uncleanStart{time.Now(), clock.Step(time.Now()), 0})
		}},
	}
}

// succeeded is a deed that was answered as done.
func succeeded(ref account.Ref, deed string) event {
	return event{Ref: ref, deed: deed, verdict: done, asked: time.Now()}
}

// planted plants each breach in the rows of a run that has none, looks whether the
// check finds it, and takes it back.
func (w *world) planted(t *testing.T) {
	plants := w.plants()
	planted := map[string]bool{}
	all := map[string]check{}
	for _, c := range checks() {
		all[c.name] = c
	}
	try := func(what string, c check, sql []string, with func(*evidence)) {
		taken := errors.New("taken back")
		w.with(func(db *store.DB) {
			err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				e := w.evidence()
				if before, err := c.find(ctx, tx, e); err != nil || len(before) > 0 {
					t.Errorf("%s: before anything was planted: %v, %v", what, before, err)
				}
				for _, text := range sql {
					if strings.Contains(text, "%s") {
						text = fmt.Sprintf(text, fmt.Sprint(store.Micros(w.began)))
					}
					if _, err := tx.Exec(ctx, text); err != nil {
						return fmt.Errorf("%s: %w", text, err)
					}
				}
				if with != nil {
					with(e)
				}
				after, err := c.find(ctx, tx, e)
				if err != nil {
					return err
				}
				if len(after) == 0 {
					t.Errorf("%s: what was planted is not found", what)
				}
				return taken
			})
			if !errors.Is(err, taken) {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
	for _, p := range plants {
		c, ok := all[p.check]
		if !ok {
			t.Fatalf("there is no check %q", p.check)
		}
		planted[p.check] = true
		try(p.check, c, p.sql, p.with)
	}
	apart := all["rows that belong together have one organization"]
	planted[apart.name] = true
	for _, table := range holders {
		if n := w.rows(t, table); n > 0 {
			try(apart.name+": "+table, apart, []string{fmt.Sprintf(`update %s set organization_id = '%s'`, table, w.late[0].Organization)}, nil)
		} else if !empty[table] {
			t.Errorf("no row of %s: nobody did what makes one", table)
		}
	}
	for name := range all {
		if !planted[name] {
			t.Errorf("nothing is planted for %q", name)
		}
	}
}

// empty are tables of holders that this harness leaves empty.
var empty = map[string]bool{"extension": true, "notice_read": true, "address_change": true, "second_step_state": true}

func (w *world) rows(t *testing.T, table string) (n int) {
	w.with(func(db *store.DB) {
		var err error
		if n, err = one(t.Context(), db, `select count(*) from `+table); err != nil {
			t.Fatal(err)
		}
	})
	return n
}

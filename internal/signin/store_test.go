package signin

import (
	"context"
	"reflect"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/pass"
	"nidan/internal/password"
	"nidan/internal/rollout"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// Each row that the gate asks for stands in its own place of what it learns: no value is
// another's, on either engine.
func TestTheGateLearnsEachValueInItsPlace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		at := func(n int) time.Time { return storetest.Start.Add(time.Duration(n) * time.Microsecond) }
		us := func(n int) int64 { return at(n).UnixMicro() }
		token := secret.Token()
		write(t, w, func(exec func(text string, args ...any)) {
			exec(`insert into organization (id, name, name_key, created_at) values ('o', 'Aozora', 'aozora', 0)`)
			exec(`insert into address (address_key, organization_id, holder_id) values ('key', 'o', 'h')`)
			exec(`insert into account (id, organization_id, email, email_key, address_digest, name, phone, authority, method, method_by, method_at,
				preset, language, time_zone, job_title, mobile, network_check, created_at, imported_at)
				values ('h', 'o', 'Mail', 'key', $1, 'Hanako 7 8', '03', 'general_user', 'mailotp', '', 0, 'totp', 'ja', 'Asia/Tokyo', '', '', true, 0, $2)`, []byte("d"), us(1))
			exec(`insert into password (organization_id, holder_id, hash, first_at, set_at, reset_at, weak) values ('o', 'h', 'x', $1, $2, $3, true)`, us(2), us(3), us(4))
			exec(`insert into totp (organization_id, holder_id, secret, enrolled_at, last_step, epoch) values ('o', 'h', $1, 5, 0, 0)`, []byte("s"))
			exec(`insert into second_step_state (organization_id, holder_id, stopped_at) values ('o', 'h', $1)`, us(5))
			exec(`insert into pass (id, organization_id, holder_id, kind, digest, tries, given_by, why, ticket, created_at, expires_at, spent_at, withdrawn_at, replaced_at)
				values ('p', 'o', 'h', 'guide', $1, 0, '', '', '', 0, $2, $3, $4, $5)`, []byte("p"), us(6), us(7), us(8), us(9))
			exec(`insert into password_reset (id, digest, organization_id, holder_id, created_at, expires_at, aside, waits_until, needs_approval, approved_at)
				values ('r', $1, 'o', 'h', 0, 0, $1, $2, true, $3)`, []byte("r"), us(10), us(11))
			exec(`insert into rollout (id, organization_id, opens, ends, planned_at, planned_by) values ('1', '', 1, 2, 0, ''), ('2', '', 1, 2, 0, ''), ('3', '', 1, 2, 0, '')`)
			exec(`insert into extension (id, rollout_id, organization_id, holder_id, until, reason, given_at, given_by) values ('1', '1', 'o', 'h', $1, '', 0, ''), ('2', '2', 'o', 'h', $2, '', 0, '')`, us(12), us(11))
			exec(`update policy set version = 77`)
			exec(`insert into session (id, digest, organization_id, holder_id, started_at, password_at, code_at, code_method, fresh_password_at, fresh_code_at,
				seen_at, wrong_codes, pass_id, network, agent) values ('s', $1, 'o', 'h', $2, $3, $4, 'totp', $5, $6, $7, 4, 'p', '192.0.2.0', '')`,
				secret.Digest(token), us(13), us(14), us(15), us(16), us(17), us(18))
		})
		ref := account.Ref{Organization: "o", ID: "h"}
		want := known{
			Session: session.Session{Ref: ref, ID: "s", Started: at(13), PasswordAt: at(14), CodeAt: at(15), CodeMethod: account.TOTP,
				FreshPassword: at(16), FreshCode: at(17), Seen: at(18), WrongCodes: 4, PassID: "p", Network: "192.0.2.0"},
			stand: stand{standing: true, method: account.MailOTP, totp: true, stopped: true, imported: at(1),
				claim: rollout.Claim{Organization: "o", FirstPassword: at(2), Imported: true, Extended: at(12)}},
			person: account.Account{Ref: ref, Email: "Mail", EmailKey: "key", Name: "Hanako 7 8", Phone: "03", Authority: account.GeneralUser,
				Method: account.MailOTP, Preset: account.TOTP, Imported: at(1), Language: "ja", Zone: "Asia/Tokyo"},
			organization: "Aozora", networkCheck: true, weak: true, passwordSet: at(3),
			pass:   pass.Pass{ID: "p", Kind: pass.Guide, Expires: at(6), Spent: at(7), Withdrawn: at(8), Replaced: at(9)},
			aside:  password.Aside{ID: "r", WaitsUntil: at(10), NeedsApproval: true, Approved: at(11)},
			policy: 77, rollouts: 3,
		}
		learns := func(what string) {
			t.Helper()
			if got, err := learn(t.Context(), w.DB, token); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %v\n%+v\nwanted\n%+v", what, err, got, want)
			}
			_, facts, err := FactsAfter(t.Context(), w.DB, account.Ref{}, 9)
			if err != nil || len(facts) != 1 || facts[0] != want.stand.facts() {
				t.Errorf("%s, in a row of many: %v\n%+v\nwanted\n%+v", what, err, facts, want.stand.facts())
			}
		}
		learns("everything")
		for _, c := range []struct {
			what, text string
			then       func()
		}{
			{"stopped at the reset's own instant", `update second_step_state set stopped_at = (select reset_at from password)`, func() { want.stopped = false }},
			{"void alone", `update second_step_state set void_at = 1`, func() { want.void = true }},
			{"void and stopped", `update password set reset_at = null`, func() { want.stopped = true }},
			{"MailOTP alone", `insert into mailotp (organization_id, holder_id, enrolled_at) values ('o', 'h', 5)`, func() { want.mailotp = true }},
			{"without an app", `delete from totp`, func() { want.totp = false }},
			{"grace is over", `insert into grace_end (address_digest, organization_id, holder_id, ended_at, why, ended_by) values ($1, 'o', 'h', 1, '', '')`, func() { want.claim.Finished = true }},
			{"no extension", `update extension set replaced_at = 1`, func() { want.claim.Extended = time.Time{} }},
			{"no networks", `update account set network_check = false`, func() { want.networkCheck = false }},
			{"not weak", `update password set weak = false`, func() { want.weak = false }},
			{"by time alone", `update password_reset set needs_approval = false`, func() { want.aside.NeedsApproval = false }},
			{"an administrator's", `update account set authority = 'portal_admin'`, func() { want.aside.NeedsApproval, want.person.Authority = true, account.PortalAdmin }},
			{"another's pass", `update pass set holder_id = 'x'`, func() { want.pass, want.PassID = pass.Pass{}, "" }},
			{"suspended", `update account set suspended_at = 1`, func() { want.standing = false }},
		} {
			write(t, w, func(exec func(text string, args ...any)) {
				if c.what == "grace is over" {
					exec(c.text, []byte("d"))
				} else {
					exec(c.text)
				}
			})
			c.then()
			learns(c.what)
		}
		write(t, w, func(exec func(text string, args ...any)) { exec(`delete from policy`) })
		if got, err := learn(t.Context(), w.DB, token); err == nil || got.Session.ID != "" {
			t.Errorf("without a policy's version: %+v", got)
		}
	})
}

func write(t *testing.T, w storetest.World, do func(exec func(text string, args ...any))) {
	t.Helper()
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		do(func(text string, args ...any) {
			if err == nil {
				_, err = tx.Exec(ctx, text, args...)
			}
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A column of numbers that is short, long or no numbers says nothing.
func TestAColumnOfNumbersIsReadWholeOrNotAtAll(t *testing.T) {
	for text, ok := range map[string]bool{"5 -6 1": true, "0 0 0": true, "": false, "5": false, "5 6": false, "5 6 1 1": false, "5  6 1": false, "5 x 1": false, "t 6 1": false, "5 6 1.0": false, "9223372036854775808 1 1": false} {
		n := numbers{left: text}
		a, b, c := n.next(), n.instant(), n.truth()
		if err := n.end(); (err == nil) != ok || ok && text != "0 0 0" && (a != 5 || b.UnixMicro() != -6 || !c) {
			t.Errorf("%q: %d, %s, %t, %v", text, a, b, c, err)
		}
	}
	n := numbers{left: "1 2 -1 3"}
	for range 2 {
		n.truth()
	}
	for range 2 {
		if n.truth() {
			t.Error("what is not 1 is true")
		}
	}
}

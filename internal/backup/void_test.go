package backup

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"nidan/internal/account"
	"nidan/internal/clock"
	"nidan/internal/mail"
	"nidan/internal/rollout"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// filled puts a row, and some bytes that are none of any text, into every table.
func (s *scene) filled() account.Account {
	s.t.Helper()
	a := s.person()
	s.in(func(ctx context.Context, tx *store.Tx) error {
		if _, _, err := session.Start(ctx, tx, a.Ref, "203.0.113.0/24", "a browser", ""); err != nil {
			return err
		}
		for _, l := range []mail.Letter{
			{Lane: mail.Code, Kind: "code", Expires: tx.Now().Add(time.Hour)}, {Lane: mail.Notice, Kind: "pass"}, {Lane: mail.Bulk, Kind: "starting-guide"},
			{Lane: mail.Bulk, Kind: mail.Reminder}, {Lane: mail.Notice, Kind: "method-changed"}, {Lane: mail.Notice, Kind: "ticket-answered"},
		} {
			l.Organization, l.Holder, l.To, l.Language, l.Subject, l.Text = a.Organization, a.ID, a.Email, "ja", "件名", "本文"
			if err := mail.Queue(ctx, tx, s.Keys, l); err != nil {
				return err
			}
		}
		plan, err := rollout.Save(ctx, tx, rollout.Plan{Opens: tx.Now().AddDate(0, 0, -20), Ends: tx.Now().AddDate(0, 0, 28).Add(30 * time.Minute), Reminders: "28,7"}, "test")
		if err != nil {
			return err
		}
		for text, args := range map[string][]any{
			`insert into node (name, started_at) values ('host', 1)`:                                                                                                                                                                                                                   nil,
			`insert into demo_mail (id, recipient, subject, body, at) values ('d', 'r', 's', $1, 1)`:                                                                                                                                                                                   {[]byte{0, 1}},
			`insert into allowance (name, full_at) values ('x', 1)`:                                                                                                                                                                                                                    nil,
			`update mail set lease_by = 'host', lease_until = 9 where kind = 'ticket-answered'`:                                                                                                                                                                                        nil,
			`insert into network (id, organization_id, prefix, description) values ('n', $1, '10.0.0.0/8', '本社')`:                                                                                                                                                                      {a.Organization},
			`insert into operator (id, email, email_key, name, language, time_zone, created_at, created_by) values ('o', 'o@x', $1, 'O', 'ja', 'UTC', 1, '')`:                                                                                                                          {a.Email},
			`insert into password (organization_id, holder_id, hash, first_at, set_at, weak, sealed, format) values ($1, $2, 'h', 1, 1, false, $3, 'bcrypt')`:                                                                                                                          {a.Organization, a.ID, []byte{9, 0}},
			`insert into totp (organization_id, holder_id, secret, enrolled_at, last_step, epoch) values ($1, $2, $3, 1, 1, 1)`:                                                                                                                                                        {a.Organization, a.ID, []byte{}},
			`insert into mailotp (organization_id, holder_id, enrolled_at) values ($1, $2, 1)`:                                                                                                                                                                                         {a.Organization, a.ID},
			`insert into mail_code (id, organization_id, holder_id, session_id, door, address_key, digest, created_at, expires_at) values ('c', $1, $2, 's', 'signin', '', $3, 1, 2)`:                                                                                                  {a.Organization, a.ID, []byte{1}},
			`insert into password_reset (id, digest, organization_id, holder_id, created_at, expires_at, needs_approval) values ('link', $1, $2, $3, 1, 2, false)`:                                                                                                                     {[]byte{1}, a.Organization, a.ID},
			`insert into password_reset (id, digest, organization_id, holder_id, created_at, expires_at, used_at, aside, waits_until, needs_approval) values ('waits', $1, $2, $3, 1, 2, 1, $4, $5, false)`:                                                                            {[]byte{2}, a.Organization, a.ID, []byte{7}, store.Micros(tx.Now()) + 1},
			`insert into password_reset (id, digest, organization_id, holder_id, created_at, expires_at, used_at, aside, waits_until, needs_approval) values ('counts', $1, $2, 'another', 1, 2, 1, $3, $4, false)`:                                                                    {[]byte{3}, a.Organization, []byte{8}, store.Micros(tx.Now())},
			`insert into pass (id, organization_id, holder_id, kind, digest, tries, given_by, why, ticket, created_at, expires_at) values ('p', $1, $2, 'guide', $3, 0, '', '', '', 1, 2)`:                                                                                             {a.Organization, a.ID, []byte{1}},
			`insert into pass_request (id, organization_id, holder_id, why, ticket, asked_at, asked_by, waits_until) values ('q', $1, $2, '', '', 1, '', 2)`:                                                                                                                           {a.Organization, a.ID},
			`insert into address_change (id, organization_id, holder_id, digest, email, email_key, asked_at, asked_by, why, ticket, sent_at, expires_at) values ('a', $1, $2, $3, '', '', 1, '', '', '', 1, 2)`:                                                                        {a.Organization, a.ID, []byte{1}},
			`insert into second_step (id, organization_id, holder_id, session_id, door, method, totp_step, at) values ('s', $1, $2, 's', 'signin', 'totp', 1, 1)`:                                                                                                                      {a.Organization, a.ID},
			`insert into second_step_failure (id, organization_id, holder_id, session_id, door, at) values ('f', $1, $2, 's', 'signin', 1)`:                                                                                                                                            {a.Organization, a.ID},
			`insert into second_step_state (organization_id, holder_id, stopped_at) values ($1, $2, 1)`:                                                                                                                                                                                {a.Organization, a.ID},
			`insert into setup (session_id, organization_id, holder_id, door, method, secret, wrong_codes, started_at) values ('s', $1, $2, 'setup', 'totp', $3, 0, 1)`:                                                                                                                {a.Organization, a.ID, []byte{1}},
			`insert into maintenance_window (id, opens, closes, planned_at, planned_by) values ('w', 1, 2, 1, '')`:                                                                                                                                                                     nil,
			`insert into extension (id, rollout_id, organization_id, holder_id, until, reason, given_at, given_by) values ('e', $1, $2, $3, 1, '', 1, '')`:                                                                                                                             {plan.ID, a.Organization, a.ID},
			`insert into grace_end (address_digest, organization_id, holder_id, ended_at, why, ended_by) values ($1, $2, $3, 1, '', '')`:                                                                                                                                               {[]byte{1}, a.Organization, a.ID},
			`insert into progress_person (organization_id, holder_id, method, away) values ($1, $2, '', 0)`:                                                                                                                                                                            {a.Organization, a.ID},
			`insert into progress (organization_id, accounts, told, signed, started, totp, mailotp) values ($1, 1, 1, 1, 1, 1, 1)`:                                                                                                                                                     {a.Organization},
			`insert into progress_hour (organization_id, hour, told, signed, started, totp, mailotp) values ($1, 1, 1, 1, 1, 1, 1)`:                                                                                                                                                    {a.Organization},
			`insert into reminder_round (id, rollout_id, organization_id, given_at, what, own_end, due_at, asked_by, after_organization, after_holder, queued, sent, failed, skipped, started_at) values ('r', $1, '', 0, 'announcement', 0, 1, '', '', '', 0, 0, 0, 0, 1)`:            {plan.ID},
			`insert into undeliverable (organization_id, holder_id, recipient, source, status, words, since_at, latest_at, mails) values ($1, $2, 'x', 'bounce', '', '', 1, 1, 1)`:                                                                                                     {a.Organization, a.ID},
			`insert into rehearsal (id, rollout_id, asked_at, asked_by, lease_by, lease_until, tries, step, done) values ('h', $1, 1, '', 'host', 9, 0, 'waiting', 0)`:                                                                                                                 {plan.ID},
			`insert into notice (id, organization_id, authority, title_en, title_ja, text_en, text_ja, shows_from, at_signin, by_mail, published_at, published_by, after_organization, after_holder, mailed) values ('t', '', '', '', '題', '', '文', 1, false, true, 1, '', '', '', 0)`: nil,
			`insert into import_run (id, digest, name, bytes, options, uploaded, state, asked_at, asked_by, lease_by, lease_until, tries, read_to, done, tally, unread) values ('i', $1, '', 1, '', true, 'importing', 1, '', 'host', 9, 0, 0, 0, '', '')`:                             {[]byte{1}},
			`insert into record_hour (hour, act, refused) values (1, 'x', 1)`:                                                                                                                                                                                                          nil,
			`insert into record_counted (id, until_hour) values (1, 1)`:                                                                                                                                                                                                                nil,
			`insert into business_day (day, opened, note, said_at, said_by) values (20180305, true, '', 1, '')`:                                                                                                                                                                        nil,
			`insert into ticket (number, organization_id, holder_id, author_name, author_email, author_key, language, category, service, kind, urgency, summary, form, state, version, opened_at, opened_day, changed_at, due_at, assigned_to, assigned_by, answered_by, closed_by, about_organization, about_holder)
				values (1, $1, $2, '', '', '', 'ja', '', '', '', '', '', '', 'open', 1, 1, 1, 1, 1, '', '', '', '', '', '')`: {a.Organization, a.ID},
			`insert into ticket_pair (pair, number) values ('東京', 1)`:                                                       nil,
			`insert into answer_template (id, title, text_en, text_ja, saved_at, saved_by) values ('t', '', '', '', 1, '')`: nil,
		} {
			if _, err := tx.Exec(ctx, text, args...); err != nil {
				return fmt.Errorf("%s: %w", text, err)
			}
		}
		for _, then := range []struct {
			text string
			args []any
		}{
			{`insert into key_line (id, key_check, added_at, added_by, active_at, active_by) values (1, $1, 1, '', 1, '')`, []any{[]byte{1}}},
			{`insert into key_use (id, seals, since, digests) values (1, 1, 1, $1)`, []any{[]byte{1}}},
			{`insert into maintenance_operator (window_id, operator_id) values ('w', 'o')`, nil},
			{`insert into reminder (rollout_id, organization_id, holder_id, what, own_end, round_id, mail_id, queued_at, became) values ($1, $2, $3, 'announcement', 0, 'r', 'm', 1, 'sent')`, []any{plan.ID, a.Organization, a.ID}},
			{`insert into notice_read (notice_id, organization_id, holder_id, read_at) values ('t', $1, $2, 1)`, []any{a.Organization, a.ID}},
			{`insert into import_row (run_id, line, outcome, organization, email, reason) values ('i', 1, 'refused', '', '', '')`, nil},
			{`insert into import_chunk (run_id, n, piece) values ('i', 1, $1)`, []any{[]byte{0, 255}}},
			{`insert into ticket_reader (organization_id, holder_id, number, state, contact) values ($1, $2, 1, 'open', true)`, []any{a.Organization, a.ID}},
			{`insert into ticket_entry (id, organization_id, number, kind, by_organization, by_holder, by_name, text, form, at) values ('e', $1, 1, 'question', $2, $3, '', '質問', '', 1)`, []any{a.Organization, a.Organization, a.ID}},
			{`insert into attachment (id, organization_id, number, entry_id, by_organization, by_holder, form, name, media, size, at, whole) values ('f', $1, 1, 'e', $2, $3, '', '', '', 300000, 1, true)`, []any{a.Organization, a.Organization, a.ID}},
			{`insert into attachment_chunk (organization_id, attachment_id, seq, bytes) values ($1, 'f', 0, $2)`, []any{a.Organization, []byte(strings.Repeat(noise(), 300))}},
		} {
			if _, err := tx.Exec(ctx, then.text, then.args...); err != nil {
				return fmt.Errorf("%s: %w", then.text, err)
			}
		}
		return nil
	})
	for table, sum := range s.sums() {
		if strings.HasPrefix(sum, "0 ") {
			s.t.Fatalf("nothing stands in %s: the test is blind", table)
		}
	}
	return a
}

func TestARestoredPortalOpensWithNothingThatMayHaveBeenUsed(t *testing.T) {
	s := stage(t, storetest.Open(t, storetest.SQLite(t))) // whose rows are PostgreSQL's, says the test before
	s.filled()
	file := s.take()
	for engine, place := range engines {
		to := s.open(place(t))
		void := to.restored(file)
		if want := (Void{Sessions: 1, Codes: 1, Resets: 2, Passes: 2, Addresses: 1, Letters: 4, Imports: 1, Mailings: void.Mailings}); void != want || void.Mailings < 3 {
			t.Errorf("%s: %+v", engine, void)
		}
		for what, n := range map[string]int{
			"session where ended_at is null":                                                   0,
			"mail_code where used_at is null and replaced_at is null":                          0,
			"password_reset where id = 'link' and replaced_at is null":                         0,
			"password_reset where id = 'waits' and (replaced_at is null or aside is not null)": 0,
			"password_reset where id = 'counts' and replaced_at is null and aside is not null": 1,
			"pass where withdrawn_at is null":                                                  0,
			"pass_request where withdrawn_at is null":                                          0,
			"address_change where withdrawn_at is null":                                        0,
			"mail where dropped_at is null":                                                    2, // what tells one person what happened
			"mail where dropped_at is null and kind in ('method-changed', 'ticket-answered')":  2,
			"mail where dropped_at is not null and body is not null":                           0,
			"mail where lease_by is not null or lease_until > 0":                               0,
			"rehearsal where lease_by <> '' or lease_until > 0":                                0,
			"import_run where lease_by <> '' or lease_until > 0":                               0,
			"reminder_round where finished_at is null":                                         0,
			"notice where mailed_at is null":                                                   0,
			"node":                                                                             0, "setup": 0, "portal_hold": 0,
			"audit where act = 'portal:backup:restored' and actor_kind = 'console' and actor = 'root'": 1,
		} {
			if got := to.count(what); got != n {
				t.Errorf("%s: %d rows in %s, not %d", engine, got, what, n)
			}
		}
		var floor int64
		if err := to.DB.QueryRow(t.Context(), `select floor_step from clock`).Scan(&floor); err != nil || floor != clock.Step(to.Clock.Now())+1 {
			t.Errorf("%s: the floor is %d at step %d, %v", engine, floor, clock.Step(to.Clock.Now()), err)
		}
		to.intact()
	}
}

// A letter that was due between backup and restore has gone out, or nobody wants it now.
func TestAReminderThatBecameDueMeanwhileIsNotSentAgain(t *testing.T) {
	s := stage(t, storetest.Open(t, storetest.SQLite(t)))
	s.filled() // a rollout whose 28 days before come half an hour after the backup
	file := s.take()
	to := s.open(engines["sqlite"](t))
	to.restored(file)
	if n := to.count(`reminder_round where what = '28' and finished_at is not null and queued = 0`); n != 1 {
		var all string
		_ = to.DB.QueryRow(t.Context(), `select string_agg(what, ' ') from reminder_round`).Scan(&all)
		t.Errorf("%d rounds of 28 days are over; there are %q", n, all)
	}
}

// Nothing that opens a door is readable, even to who decrypts a backup.
func TestNothingInABackupIsReadableThatOpensADoor(t *testing.T) {
	s := stage(t, storetest.Open(t, storetest.SQLite(t)))
	a := s.person()
	var token string
	s.in(func(ctx context.Context, tx *store.Tx) (err error) {
		token, _, err = session.Start(ctx, tx, a.Ref, "", "", "")
		if err != nil {
			return err
		}
		return mail.Queue(ctx, tx, s.Keys, mail.Letter{Organization: a.Organization, Holder: a.ID, Lane: mail.Code, Kind: "code", To: a.Email, Language: "en",
			Subject: "Code", Text: "31415926", Expires: tx.Now().Add(time.Hour)})
	})
	opened, err := Open(strings.NewReader(string(s.take())), s.Keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	var plain strings.Builder
	for {
		kind, content, err := opened.in.next()
		if err != nil {
			t.Fatal(err)
		}
		plain.Write(content)
		if kind == frameSeal {
			break
		}
	}
	if !strings.Contains(plain.String(), a.Email) {
		t.Fatal("no address is there: the search is blind")
	}
	for _, found := range []string{token, "31415926", "0123456789abcdef0123456789abcdef"} {
		if strings.Contains(plain.String(), found) {
			t.Errorf("%q stands in it", found)
		}
	}
}

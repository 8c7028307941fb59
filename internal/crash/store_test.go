package crash

import (
	"context"
	"fmt"

	"nidan/internal/store"
)

// The invariants that SQL can see. Each statement answers one text for each breach;
// $1 is when the seed was done: what it made by hand left no records.
var statements = []struct {
	invariant int
	name      string
	text      string
}{
	{1, "a step is accepted once", `select organization_id || ' ' || holder_id || ' step ' || cast(totp_step as text) from second_step
		where totp_step is not null and at > $1 group by organization_id, holder_id, totp_step having count(*) > 1`},
	{1, "a mailed code is accepted once", `select organization_id || ' ' || mail_code_id from second_step where mail_code_id is not null and at > $1
		group by organization_id, mail_code_id having count(*) > 1`},
	{1, "an accepted mailed code was the session's newest, in time, and is spent", `select s.organization_id || ' ' || s.id from second_step s
		left join mail_code c on c.organization_id = s.organization_id and c.holder_id = s.holder_id and c.session_id = s.session_id and c.id = s.mail_code_id
		where s.mail_code_id is not null and s.at > $1 and (c.used_at is null or c.used_at <> s.at or c.used_at >= c.expires_at or c.replaced_at <= c.used_at)`},
	{1, "a spent pass was open", `select organization_id || ' ' || id from pass where spent_at > $1 and (withdrawn_at is not null or replaced_at is not null or spent_at >= expires_at)`},
	{1, "a used reset link was open", `select organization_id || ' ' || id from password_reset where used_at > $1 and (used_at >= expires_at or replaced_at <= used_at)`},
	{2, "accepted steps rise", `select a.organization_id || ' ' || a.holder_id || ' step ' || cast(b.totp_step as text) from second_step a
		join second_step b on b.organization_id = a.organization_id and b.holder_id = a.holder_id
		where a.at > $1 and b.at > a.at and b.totp_step <= a.totp_step`},
	{2, "the last step is the highest accepted", `select t.organization_id || ' ' || t.holder_id from totp t where exists (select 1 from second_step s
		where s.organization_id = t.organization_id and s.holder_id = t.holder_id and s.totp_step > t.last_step and s.at > $1)`},
	{3, "a two-step session has one second step", `select s.organization_id || ' ' || s.id from session s where s.code_at > $1 and (select count(*) from second_step x
		where x.organization_id = s.organization_id and x.holder_id = s.holder_id and x.session_id = s.id and x.at = s.code_at and x.door in ('signin', 'setup')) <> 1`},
	{3, "a fresh code has its second step", `select s.organization_id || ' ' || s.id from session s where s.fresh_code_at > $1 and not exists (select 1 from second_step x
		where x.organization_id = s.organization_id and x.holder_id = s.holder_id and x.session_id = s.id and x.at = s.fresh_code_at)`},
	{4, "nobody asks anything after the own end without a second step", `select e.organization_id || ' ' || e.id from ticket_entry e
		join rollout r on r.organization_id = e.by_organization and r.withdrawn_at is null
		where e.at > $1 and e.at >= r.ends and not exists (select 1 from second_step x where x.organization_id = e.by_organization and x.holder_id = e.by_holder and x.at <= e.at)`},
	{4, "nobody enrolls after the own end without a pass", `select t.organization_id || ' ' || t.holder_id from totp t
		join rollout r on r.organization_id = t.organization_id and r.withdrawn_at is null
		where t.enrolled_at > $1 and t.enrolled_at >= r.ends and not exists (select 1 from pass p
			where p.organization_id = t.organization_id and p.holder_id = t.holder_id and p.spent_at = t.enrolled_at)`},
	{5, "an enrolled secret was confirmed", `select t.organization_id || ' ' || t.holder_id from totp t where t.enrolled_at > $1 and not exists (select 1 from second_step x
		where x.organization_id = t.organization_id and x.holder_id = t.holder_id and x.method = 'totp' and x.door in ('setup', 'phone') and x.at = t.enrolled_at)`},
	{5, "a finished set-up keeps no secret", `select organization_id || ' ' || session_id from setup where finished_at > $1 and (secret is not null or password_hash is not null)`},
	{6, "MailOTP was assigned by a Portal Admin", `select s.organization_id || ' ' || s.id from second_step s where s.method = 'mailotp' and s.at > $1 and not exists (
		select 1 from audit d join account g on g.organization_id = d.chain and g.id = d.actor
		where d.chain = s.organization_id and d.subject = s.holder_id and d.act = 'account:method:changed' and d.detail like '%"to":"mailotp"%'
			and d.at <= s.at and d.actor_kind = 'account' and g.authority = 'portal_admin')`},
	{6, "an accepted code had been handed to the post for that address", `select s.organization_id || ' ' || s.id from second_step s
		join mail_code c on c.organization_id = s.organization_id and c.id = s.mail_code_id
		where s.at > $1 and not exists (select 1 from mail m where m.organization_id = s.organization_id and m.holder_id = s.holder_id
			and m.lane = 'code' and m.created_at = c.created_at and m.recipient = c.address_key and m.tries > 0)`},
	{9, "an accepted code has one record", `select x.organization_id || ' ' || x.id from second_step x where x.at > $1 and x.door in ('signin', 'confirm')
		and (select count(*) from audit d where d.chain = x.organization_id and d.subject = x.holder_id and d.act = 'account:code:accepted' and d.at = x.at) <> 1`},
	{9, "a wrong code has one record", `select x.organization_id || ' ' || x.id from second_step_failure x where x.at > $1
		and (select count(*) from audit d where d.chain = x.organization_id and d.subject = x.holder_id and d.act = 'account:code:refused' and d.at = x.at) <> 1`},
	{9, "an enrolled app has one record", `select t.organization_id || ' ' || t.holder_id from totp t where t.enrolled_at > $1
		and (select count(*) from audit d where d.chain = t.organization_id and d.subject = t.holder_id and d.act = 'account:method:enrolled' and d.at = t.enrolled_at) <> 1`},
	{9, "an enrolled MailOTP has one record", `select t.organization_id || ' ' || t.holder_id from mailotp t where t.enrolled_at > $1
		and (select count(*) from audit d where d.chain = t.organization_id and d.subject = t.holder_id and d.act = 'account:method:enrolled' and d.at = t.enrolled_at) <> 1`},
	{9, "a changed method has one record", `select a.organization_id || ' ' || a.id from account a where a.method_at > $1 and a.method_at > a.created_at
		and (select count(*) from audit d where d.chain = a.organization_id and d.subject = a.id and d.act = 'account:method:changed' and d.at = a.method_at) <> 1`},
	{9, "a suspension has one record", `select a.organization_id || ' ' || a.id from account a where a.suspended_at > $1
		and (select count(*) from audit d where d.chain = a.organization_id and d.subject = a.id and d.act = 'account:person:suspended' and d.at = a.suspended_at) <> 1`},
	{9, "a reset has one record", `select h.organization_id || ' ' || h.id from password_reset h where h.used_at > $1
		and (select count(*) from audit d where d.chain = h.organization_id and d.subject = h.holder_id and d.act = 'account:password:reset' and d.at = h.used_at) <> 1`},
	{9, "a pass has one record", `select p.organization_id || ' ' || p.id from pass p where p.created_at > $1 and p.kind <> 'operator'
		and (select count(*) from audit d where d.chain = p.organization_id and d.subject = p.holder_id and d.act in ('account:pass:given', 'account:guide:given') and d.at = p.created_at) <> 1`},
	{9, "a spent pass has its set-up's record", `select p.organization_id || ' ' || p.id from pass p where p.spent_at > $1 and p.kind <> 'operator'
		and (select count(*) from audit d where d.chain = p.organization_id and d.subject = p.holder_id and d.act = 'account:method:enrolled' and d.at = p.spent_at) <> 1`},
	{9, "an act is written down once", `select chain || ' ' || act || ' ' || subject from audit where at > $1 group by chain, act, subject, at having count(*) > 1`},
	{9, "what the owner is told of stands in the outbox", `select d.chain || ' ' || d.act || ' ' || d.subject from audit d where d.at > $1 and d.detail not like '%kept aside%'
		and d.act in ('account:method:changed', 'account:method:enrolled', 'account:password:reset', 'account:password:changed', 'account:person:suspended',
			'account:person:returned', 'account:person:deleted', 'account:pass:given', 'account:guide:given', 'account:reset:asked')
		and not exists (select 1 from mail m where m.organization_id = d.chain and m.holder_id = d.subject and m.created_at = d.at)`},
	{10, "every letter is sent or parked in the end", `select organization_id || ' ' || id || ' ' || kind from mail
		where created_at > $1 and sent_at is null and dropped_at is null and parked_at is null`},
	{10, "no code is sent after its expiry", `select organization_id || ' ' || id || ' ' || kind from mail where sent_at > $1 and sent_at > expires_at and lane = 'code'`},
	{10, "no letter to somebody who is there is dropped before its expiry", `select m.organization_id || ' ' || m.id || ' ' || m.kind from mail m
		join account a on a.organization_id = m.organization_id and a.id = m.holder_id
		where m.dropped_at > $1 and m.lane <> 'bulk' and (m.expires_at is null or m.dropped_at < m.expires_at)`},
}

// holders are the tables that know whose a row is.
var holders = []string{"session", "password", "totp", "mailotp", "mail_code", "pass", "password_reset", "second_step", "second_step_failure",
	"second_step_state", "setup", "mail", "address", "address_change", "extension", "notice_read", "ticket", "ticket_reader"}

// related are statements about rows that belong together: one organization has them all.
func related() []string {
	list := []string{
		`select 'attachment ' || c.id from attachment c join ticket p on p.number = c.number where p.organization_id <> c.organization_id and c.at > $1`,
		`select 'ticket_entry ' || c.id from ticket_entry c join ticket p on p.number = c.number where p.organization_id <> c.organization_id and c.at > $1`,
		`select 'ticket_reader ' || c.holder_id from ticket_reader c join ticket p on p.number = c.number where p.organization_id <> c.organization_id and p.opened_at > $1`,
		`select 'audit ' || c.act from audit c join account a on a.id = c.subject where a.organization_id <> c.chain and c.chain <> 'operators' and c.at > $1`,
		`select 'audit ' || c.act from audit c join account a on a.id = c.actor where a.organization_id <> c.chain and c.chain <> 'operators' and c.at > $1`,
	}
	for _, table := range holders {
		list = append(list, `select '`+table+` ' || c.holder_id from `+table+` c where c.holder_id <> '' and c.organization_id <> 'operators' and cast($1 as bigint) > 0
			and not exists (select 1 from account a where a.organization_id = c.organization_id and a.id = c.holder_id)
			and not exists (select 1 from audit d where d.chain = c.organization_id and d.act = 'account:person:deleted' and d.subject = c.holder_id)`)
	}
	for _, table := range []string{"mail_code", "second_step", "second_step_failure", "setup"} {
		list = append(list, `select '`+table+` ' || c.session_id from `+table+` c join session s on s.id = c.session_id
			where cast($1 as bigint) > 0 and (s.organization_id <> c.organization_id or s.holder_id <> c.holder_id)`)
	}
	return list
}

// found are the texts that a statement answers.
func found(ctx context.Context, r store.Reader, text string, args ...any) (list []string, err error) {
	rows, err := r.Query(ctx, text, args...)
	if err != nil {
		return nil, fmt.Errorf("%w in %s", err, text)
	}
	defer rows.Close()
	for rows.Next() {
		var what string
		if err := rows.Scan(&what); err != nil {
			return nil, err
		}
		list = append(list, what)
	}
	return list, rows.Err()
}

// one asks for a number.
func one(ctx context.Context, r store.Reader, text string, args ...any) (n int, err error) {
	if err = r.QueryRow(ctx, text, args...).Scan(&n); err != nil {
		err = fmt.Errorf("%w in %s", err, text)
	}
	return n, err
}

// try is one typed code in the ledger.
type try struct {
	holder string
	at     int64
	right  bool
}

// ledger is every typed code, by whose it was, oldest first.
func ledger(ctx context.Context, r store.Reader) (list []try, err error) {
	rows, err := r.Query(ctx, `select organization_id || ' ' || holder_id, at, 1 from second_step where door in ('signin', 'confirm')
		union all select organization_id || ' ' || holder_id, at, 0 from second_step_failure order by 1, 2, 3`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t try
		var right int
		if err := rows.Scan(&t.holder, &t.at, &right); err != nil {
			return nil, err
		}
		t.right = right == 1
		list = append(list, t)
	}
	return list, rows.Err()
}

// columns are those of all tables that hold text or bytes.
func columns(ctx context.Context, r store.Reader, engine store.Engine) (list [][2]string, err error) {
	text := `select m.name, p.name from sqlite_schema m join pragma_table_info(m.name) p
		where m.type = 'table' and m.name not like 'sqlite%' and lower(p.type) in ('text', 'bytea')`
	if engine == store.PostgreSQL {
		text = `select table_name, column_name from information_schema.columns where table_schema = current_schema() and data_type in ('text', 'bytea')`
	}
	rows, err := r.Query(ctx, text)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c [2]string
		if err := rows.Scan(&c[0], &c[1]); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// each reads a column, row by row.
func each(ctx context.Context, r store.Reader, table, column string, do func(value []byte)) error {
	rows, err := r.Query(ctx, `select `+column+` from `+table)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var value []byte
		if err := rows.Scan(&value); err != nil {
			return err
		}
		do(value)
	}
	return rows.Err()
}

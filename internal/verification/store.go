package verification

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/clock"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/totp"
)

// state is a ledger with the clock's epoch and floor, and the app's secret if
// there is one.
type state struct {
	Ledger
	epoch, floor int64
	past         string        // the run of the database's server that the floor knows of
	app          totp.Enrolled // its Secret is nil: TOTP is not enrolled
	mailotp      bool          // enrolled
	mailedUntil  time.Time     // end of the mailed code this session waits for at this door, or zero
}

// expired says whether the code that was waited for is too old, whatever was typed.
func (s state) expired(now time.Time) bool {
	return !s.mailedUntil.IsZero() && !now.Before(s.mailedUntil)
}

// load reads the ledger of a holder, in one statement. A stop lasts until the
// password was reset after it; the run ends with each accepted code.
func load(ctx context.Context, r store.Reader, keys *secret.Keys, a Attempt, now time.Time) (s state, err error) {
	ref := a.Ref
	var last, first, stopped, void, reset, mailed store.Instant
	var sealed []byte
	err = r.QueryRow(ctx, `with mine as (
			select f.at from second_step_failure f where f.organization_id = $1 and f.holder_id = $2),
		run as (select at from mine where at > coalesce((select max(y.at) from second_step y
			where y.organization_id = $3 and y.holder_id = $4), 0))
		select (select count(*) from run), (select count(*) from run where at <= coalesce(st.waits_from, 0)),
			(select max(at) from mine), st.stopped_at, st.void_at, pw.reset_at,
			(select count(*) from mine where at > $5 and at > coalesce(st.waits_from, 0)),
			(select min(at) from mine where at > $6 and at > coalesce(st.waits_from, 0)),
			(select count(*) from mine where at > $7 and at > coalesce(pw.reset_at, 0)),
			c.epoch, c.floor_step, c.past, t.secret, coalesce(t.last_step, 0), coalesce(t.epoch, 0), m.enrolled_at is not null,
			(select max(e.expires_at) from mail_code e where e.organization_id = $8 and e.holder_id = $9
				and e.session_id = $10 and e.door = $11 and e.used_at is null and e.replaced_at is null)
		from clock c
			left join second_step_state st on st.organization_id = $12 and st.holder_id = $13
			left join password pw on pw.organization_id = $14 and pw.holder_id = $15
			left join totp t on t.organization_id = $16 and t.holder_id = $17
			left join mailotp m on m.organization_id = $18 and m.holder_id = $19
		where c.id = 1`,
		ref.Organization, ref.ID, ref.Organization, ref.ID,
		store.Micros(now.Add(-time.Hour)), store.Micros(now.Add(-time.Hour)), store.Micros(now.Add(-CapSpan)),
		ref.Organization, ref.ID, a.Session, string(a.Door.mailed()),
		ref.Organization, ref.ID, ref.Organization, ref.ID, ref.Organization, ref.ID, ref.Organization, ref.ID).
		Scan(&s.Run, &s.Forgiven, &last, &stopped, &void, &reset, &s.InHour, &first, &s.InSpan, &s.epoch, &s.floor, &s.past,
			&sealed, &s.app.LastStep, &s.app.Epoch, &s.mailotp, &mailed)
	if err != nil {
		return state{}, fmt.Errorf("second steps: %w", err)
	}
	s.LastFailure, s.FirstInHour, s.mailedUntil = last.Time, first.Time, mailed.Time
	s.Stopped = stopped.After(reset.Time)
	s.Void = !void.IsZero()
	if sealed != nil {
		s.app.Secret, err = totp.Unseal(keys, ref, sealed)
	}
	return s, err
}

// decide is load for whoever may accept a code: the floor is one that knows what may have
// been forgotten.
func decide(ctx context.Context, tx *store.Tx, keys *secret.Keys, a Attempt) (s state, err error) {
	if s, err = load(ctx, tx, keys, a, tx.Now()); err == nil {
		s.floor, err = clock.Witness(ctx, tx, s.past, s.floor)
	}
	return s, err
}

// Read is the ledger of a holder.
func Read(ctx context.Context, r store.Reader, keys *secret.Keys, ref account.Ref, now time.Time) (Ledger, error) {
	s, err := load(ctx, r, keys, Attempt{Ref: ref}, now)
	return s.Ledger, err
}

// accept writes the record of an accepted code; false when its step or mailed
// code, or this sign-in, has one already.
func accept(ctx context.Context, tx *store.Tx, a Attempt, step int64, mailCode string) (bool, error) {
	var totpStep, mailID any
	if a.Method == account.TOTP {
		totpStep = step
	} else {
		mailID = mailCode
	}
	n, err := tx.Exec(ctx, `insert into second_step (id, organization_id, holder_id, session_id, door, method, totp_step, mail_code_id, at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing`,
		secret.ID(), a.Organization, a.ID, a.Session, string(a.Door), string(a.Method), totpStep, mailID, store.Micros(tx.Now()))
	if err != nil {
		return false, fmt.Errorf("second step: %w", err)
	}
	return n == 1, nil
}

// fail writes down a wrong code, and what it brings about: a stop at the cap, a
// void second verification after a long run.
func fail(ctx context.Context, tx *store.Tx, a Attempt, s state) error {
	now := store.Micros(tx.Now())
	err := tx.Later(ctx, nil, `insert into second_step_failure (id, organization_id, holder_id, session_id, door, at)
		values ($1, $2, $3, $4, $5, $6)`, secret.ID(), a.Organization, a.ID, a.Session, string(a.Door), now)
	if err != nil {
		return fmt.Errorf("wrong second step: %w", err)
	}
	if !s.stops() && !s.voids() {
		return nil
	}
	var stopped, void any
	if s.stops() {
		stopped = now
	}
	if s.voids() {
		void = now
	}
	err = tx.About(a.Organization, a.ID).Later(ctx, nil, `insert into second_step_state (organization_id, holder_id, stopped_at, void_at)
		values ($1, $2, cast($3 as bigint), cast($4 as bigint))
		on conflict (organization_id, holder_id) do update set
			stopped_at = coalesce(excluded.stopped_at, second_step_state.stopped_at),
			void_at = coalesce(second_step_state.void_at, excluded.void_at)`, a.Organization, a.ID, stopped, void)
	if err != nil {
		return fmt.Errorf("wrong second step: %w", err)
	}
	return nil
}

// revive ends that a second verification is void: a newly proved method does. The
// cap is not touched.
func revive(ctx context.Context, tx *store.Tx, ref account.Ref) error {
	return tx.About(ref.Organization, ref.ID).Later(ctx, nil, `update second_step_state set void_at = null where organization_id = $1 and holder_id = $2`,
		ref.Organization, ref.ID)
}

// organizationName is what an organization is called, for letters.
func organizationName(ctx context.Context, r store.Reader, id string) (name string, err error) {
	if err := r.QueryRow(ctx, `select name from organization where id = $1`, id).Scan(&name); err != nil {
		return "", fmt.Errorf("organization: %w", err)
	}
	return name, nil
}

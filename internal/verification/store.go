package verification

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// state is a ledger with the clock's epoch and floor.
type state struct {
	Ledger
	epoch, floor int64
}

// load reads the ledger of a holder, the present epoch and the floor, in one statement.
// A stop lasts until the password was reset after it.
func load(ctx context.Context, r store.Reader, ref account.Ref, now time.Time) (s state, err error) {
	var last, first, stopped, void, reset store.Instant
	err = r.QueryRow(ctx, `select coalesce(st.run, 0), st.last_failure_at, st.stopped_at, st.void_at, pw.reset_at,
			(select count(*) from second_step_failure f where f.organization_id = $1 and f.holder_id = $2 and f.at > $3),
			(select min(f.at) from second_step_failure f where f.organization_id = $4 and f.holder_id = $5 and f.at > $6),
			(select count(*) from second_step_failure f where f.organization_id = $7 and f.holder_id = $8
				and f.at > $9 and f.at > coalesce(pw.reset_at, 0)),
			c.epoch, c.floor_step
		from clock c
			left join second_step_state st on st.organization_id = $10 and st.holder_id = $11
			left join password pw on pw.organization_id = $12 and pw.holder_id = $13
		where c.id = 1`,
		ref.Organization, ref.ID, store.Micros(now.Add(-time.Hour)),
		ref.Organization, ref.ID, store.Micros(now.Add(-time.Hour)),
		ref.Organization, ref.ID, store.Micros(now.Add(-CapSpan)),
		ref.Organization, ref.ID, ref.Organization, ref.ID).
		Scan(&s.Run, &last, &stopped, &void, &reset, &s.InHour, &first, &s.InSpan, &s.epoch, &s.floor)
	if err != nil {
		return state{}, fmt.Errorf("second steps: %w", err)
	}
	s.LastFailure, s.FirstInHour = last.Time, first.Time
	s.Stopped = stopped.After(reset.Time)
	s.Void = !void.IsZero()
	return s, nil
}

// Read is the ledger of a holder, for pages.
func Read(ctx context.Context, r store.Reader, ref account.Ref, now time.Time) (Ledger, error) {
	s, err := load(ctx, r, ref, now)
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

// fail counts a wrong code and answers the run of them.
func fail(ctx context.Context, tx *store.Tx, a Attempt, stops bool) (run int, err error) {
	now := store.Micros(tx.Now())
	_, err = tx.Exec(ctx, `insert into second_step_failure (id, organization_id, holder_id, session_id, door, at)
		values ($1, $2, $3, $4, $5, $6)`, secret.ID(), a.Organization, a.ID, a.Session, string(a.Door), now)
	if err != nil {
		return 0, fmt.Errorf("wrong second step: %w", err)
	}
	var stopped any
	if stops {
		stopped = now
	}
	err = tx.QueryRow(ctx, `insert into second_step_state (organization_id, holder_id, run, last_failure_at, stopped_at)
		values ($1, $2, 1, $3, cast($4 as bigint))
		on conflict (organization_id, holder_id) do update set
			run = second_step_state.run + 1,
			last_failure_at = excluded.last_failure_at,
			stopped_at = coalesce(excluded.stopped_at, second_step_state.stopped_at),
			void_at = case when second_step_state.run + 1 >= $5 then coalesce(second_step_state.void_at, excluded.last_failure_at)
				else second_step_state.void_at end
		returning run`, a.Organization, a.ID, now, stopped, VoidRun).Scan(&run)
	if err != nil {
		return 0, fmt.Errorf("wrong second step: %w", err)
	}
	return run, nil
}

// forget ends the run of wrong codes after a right one. The cap is not touched;
// an end of voidness is only for a newly proved method.
func forget(ctx context.Context, tx *store.Tx, ref account.Ref, proved bool) error {
	_, err := tx.Exec(ctx, `update second_step_state set run = 0, void_at = case when $1 then null else void_at end
		where organization_id = $2 and holder_id = $3`, proved, ref.Organization, ref.ID)
	return err
}

package mail

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"nidan/internal/secret"
	"nidan/internal/store"
)

// several is "$5, $6, …" for n ids, from a number on.
func several(from, n int) string {
	places := make([]string, n)
	for i := range places {
		places[i] = "$" + strconv.Itoa(from+i)
	}
	return strings.Join(places, ", ")
}

// oneID and manyIDs are the only two lengths of a list of ids, so that statements stay
// prepared: a list between them is filled up with its last id.
const oneID, manyIDs = 1, batchMost

func filled(args []any, ids []string) []any {
	n := manyIDs
	if len(ids) == 1 {
		n = oneID
	}
	for i := range n {
		args = append(args, ids[min(i, len(ids)-1)])
	}
	return args
}

func length(ids []string) int {
	if len(ids) == 1 {
		return oneID
	}
	return manyIDs
}

// take leases those of at most batchMost letters that nobody else has. The lease's
// name is new each time, so that a worker that slept past its lease cannot settle
// what is held anew, not even by itself.
func take(ctx context.Context, tx *store.Tx, ids []string, until time.Time) ([]taken, error) {
	lease := secret.ID()
	rows, err := tx.Query(ctx, `
		update mail set lease_by = $1, lease_until = $2, tries = tries + 1
		where due_at <= $3 and lease_until < $3
			and sent_at is null and dropped_at is null and parked_at is null and id in (`+several(4, length(ids))+`)
		returning id, organization_id, holder_id, lane, kind, recipient, subject, body, expires_at, tries`,
		filled([]any{lease, store.Micros(until), store.Micros(tx.Now())}, ids)...)
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	defer rows.Close()
	var list []taken
	for rows.Next() {
		t := taken{lease: lease, until: until}
		var expires store.Instant
		if err := rows.Scan(&t.id, &t.organization, &t.holder, &t.lane, &t.kind, &t.to, &t.subject, &t.sealed, &expires, &t.tries); err != nil {
			return nil, fmt.Errorf("outbox: %w", err)
		}
		t.expires = expires.Time
		list = append(list, t)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	return list, nil
}

// settle records what became of letters, and answers which of them were still held
// by the lease they were taken under. What was sent or dropped forgets its body in
// the same statement. A parked one keeps it, sealed, for Retry, but never a code.
func settle(ctx context.Context, tx *store.Tx, list []settled) (held map[string]bool, err error) {
	held = map[string]bool{}
	for _, group := range alike(list) {
		if err := settleAlike(ctx, tx, group, held); err != nil {
			return nil, fmt.Errorf("outbox: %w", err)
		}
	}
	for _, s := range list {
		if s.refused != (Failure{}) && held[s.id] {
			if err := noteRefused(ctx, tx, s); err != nil {
				return nil, err
			}
		}
	}
	return held, nil
}

// alike puts together what one statement can settle: letters that were sent, or
// given back, under one lease. The order stays.
func alike(list []settled) (groups [][]settled) {
	for _, s := range list {
		found := false
		for i, g := range groups {
			if s.end == g[0].end && s.lease == g[0].lease && (s.end == sent || s.end == back) && len(g) < batchMost {
				groups[i], found = append(g, s), true
				break
			}
		}
		if !found {
			groups = append(groups, []settled{s})
		}
	}
	return groups
}

func settleAlike(ctx context.Context, tx *store.Tx, group []settled, held map[string]bool) error {
	now, f := store.Micros(tx.Now()), group[0].fate
	ids := make([]string, len(group))
	for i, s := range group {
		ids[i] = s.id
	}
	var rows *store.Rows
	var err error
	switch f.end {
	case sent:
		rows, err = tx.Query(ctx, `update mail set sent_at = $1, body = null, failure = null, lease_by = null, lease_until = 0
			where lease_by = $2 and sent_at is null and id in (`+several(3, length(ids))+`) returning id`,
			filled([]any{now, group[0].lease}, ids)...)
	case back:
		rows, err = tx.Query(ctx, `update mail set lease_by = null, lease_until = 0, tries = tries - 1
			where lease_by = $1 and sent_at is null and id in (`+several(2, length(ids))+`) returning id`,
			filled([]any{group[0].lease}, ids)...)
	case dropped:
		rows, err = tx.Query(ctx, `update mail set dropped_at = $1, body = null, lease_by = null, lease_until = 0
			where id = $2 and lease_by = $3 and sent_at is null returning id`, now, ids[0], group[0].lease)
	case parked:
		rows, err = tx.Query(ctx, `update mail set parked_at = $1, failure = $2, lease_by = null, lease_until = 0,
				body = case when lane = 'code' then null else body end
			where id = $3 and lease_by = $4 and sent_at is null returning id`, now, f.failure, ids[0], group[0].lease)
	default:
		rows, err = tx.Query(ctx, `update mail set due_at = $1, failure = $2, lease_by = null, lease_until = 0
			where id = $3 and lease_by = $4 and sent_at is null returning id`, store.Micros(f.due), f.failure, ids[0], group[0].lease)
	}
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		held[id] = true
	}
	return rows.Err()
}

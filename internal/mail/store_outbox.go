package mail

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/store"
)

// Load is how one lane of the outbox stands.
type Load struct {
	Lane    Lane
	Waiting int64     // due or to come, not settled
	Since   time.Time // when the oldest that is due became so; zero: none is
	Sent    int64     // since the instant asked for
	Parked  int64     // all of them, whenever it was
}

// Loads is the outbox by lane, with what was sent since an instant, and how many
// accounts mail does not reach.
func Loads(ctx context.Context, r store.Reader, since, now time.Time) (list []Load, unreachable int64, err error) {
	rows, err := r.Query(ctx, `select l.lane,
			(select count(*) from mail m where m.lane = l.lane and m.sent_at is null and m.dropped_at is null and m.parked_at is null),
			(select min(m.due_at) from mail m where m.lane = l.lane and m.due_at <= $1 and m.sent_at is null and m.dropped_at is null and m.parked_at is null),
			(select count(*) from mail m where m.lane = l.lane and m.sent_at > $2),
			(select count(*) from mail m where m.lane = l.lane and m.parked_at is not null),
			(select count(*) from undeliverable u
				join account a on a.organization_id = u.organization_id and a.id = u.holder_id and a.email = u.recipient)
		from (select 'code' as lane, 1 as place union all select 'notice', 2 union all select 'bulk', 3) l order by l.place`,
		store.Micros(now), store.Micros(since))
	if err != nil {
		return nil, 0, fmt.Errorf("outbox: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var l Load
		var oldest store.Instant
		if err := rows.Scan(&l.Lane, &l.Waiting, &oldest, &l.Sent, &l.Parked, &unreachable); err != nil {
			return nil, 0, fmt.Errorf("outbox: %w", err)
		}
		l.Since = oldest.Time
		list = append(list, l)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("outbox: %w", err)
	}
	return list, unreachable, nil
}

// Parked is a letter that is not tried any more.
type Parked struct {
	ID        string
	Recipient string
	Lane      Lane
	Kind      string
	At        time.Time // when it was parked
	Why       string
	Retriable bool // Retry would try it again
}

// ParkedLetters are the letters that are not tried any more, the latest first, at
// most limit of them.
func ParkedLetters(ctx context.Context, r store.Reader, now time.Time, limit int) ([]Parked, error) {
	rows, err := r.Query(ctx, `select id, recipient, lane, kind, parked_at, coalesce(failure, ''),
			body is not null and (expires_at is null or expires_at > $1)
		from mail where parked_at is not null order by parked_at desc, id limit $2`, store.Micros(now), limit)
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	defer rows.Close()
	var list []Parked
	for rows.Next() {
		var p Parked
		var at store.Instant
		if err := rows.Scan(&p.ID, &p.Recipient, &p.Lane, &p.Kind, &at, &p.Why, &p.Retriable); err != nil {
			return nil, fmt.Errorf("outbox: %w", err)
		}
		p.At = at.Time
		list = append(list, p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	return list, nil
}

// Retry gives every parked letter that still has its body and has not expired
// another three days, for after a relay's refusal was mended, and says how many.
func Retry(ctx context.Context, tx *store.Tx) (int64, error) {
	return tx.Exec(ctx, `update mail set parked_at = null, tries = 0, due_at = $1
		where parked_at is not null and body is not null and (expires_at is null or expires_at > $1)`,
		store.Micros(tx.Now()))
}

// RetryOne is Retry for one letter; false when it is not parked, or cannot be
// tried any more.
func RetryOne(ctx context.Context, tx *store.Tx, id string) (bool, error) {
	n, err := tx.Exec(ctx, `update mail set parked_at = null, tries = 0, due_at = $1
		where id = $2 and parked_at is not null and body is not null and (expires_at is null or expires_at > $1)`,
		store.Micros(tx.Now()), id)
	return n == 1, err
}

// Forget deletes some of the delivery data of letters that were settled before an
// instant, with the addresses that no mail has failed at since, and says how many
// letters it were; none when all are gone.
func Forget(ctx context.Context, tx *store.Tx, before time.Time) (int64, error) {
	if _, err := tx.Exec(ctx, `delete from undeliverable where latest_at < $1`, store.Micros(before)); err != nil {
		return 0, err
	}
	n, at := int64(0), store.Micros(before)
	for _, settled := range []string{
		`lane = 'code' and sent_at < $1 order by sent_at`, `lane = 'notice' and sent_at < $1 order by sent_at`, `lane = 'bulk' and sent_at < $1 order by sent_at`,
		`dropped_at < $1 order by dropped_at`, `parked_at < $1 order by parked_at`,
	} {
		some, err := tx.Exec(ctx, `delete from mail where id in (select id from mail where `+settled+` limit 500)`, at)
		if err != nil {
			return 0, err
		}
		n += some
	}
	return n, nil
}

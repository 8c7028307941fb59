package rollout

import (
	"cmp"
	"context"
	"slices"
	"time"

	"nidan/internal/store"
)

// Event is an instant at which something of a rollout happens.
type Event struct {
	At    time.Time
	What  string // "opening", "end" or "reminder"
	Scope string // an organization's name; empty: the whole portal
	N     int    // of how many people with an end of their own; 0: of all in the scope
}

// Within are the openings, ends and reminders of the rollouts that stand, from one
// instant to another, both included. Reminders before an end of one person's own
// are not among them: there may be as many as people.
func Within(ctx context.Context, r store.Reader, portal *time.Location, from, until time.Time) ([]Event, error) {
	plans, err := Named(ctx, r)
	if err != nil {
		return nil, err
	}
	book, err := ReadBook(ctx, r)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	var list []Event
	add := func(at time.Time, what, scope string, n int) {
		if !at.Before(from) && !at.After(until) {
			list = append(list, Event{at, what, scope, n})
		}
	}
	series := func(p Titled, end time.Time, scope string) {
		add(end, "end", scope, 0)
		for _, days := range p.Reminders.Days() {
			if at := Before(end, days, p.Location(portal)); !at.Before(p.Opens) {
				add(at, "reminder", scope, 0)
			}
		}
	}
	standing := map[string]Titled{}
	for _, p := range plans {
		names[p.Organization] = p.Scope
		if p.Withdrawn.IsZero() {
			standing[p.ID] = p
			add(p.Opens, "opening", p.Scope, 0)
			series(p, p.Ends, p.Scope)
		}
	}
	for key, end := range book.Extended {
		p, ok := standing[key[0]]
		p.Extended = end
		if end = OwnEnd(p.Plan, time.Time{}); ok && end.After(p.Ends) {
			name, err := nameOf(ctx, r, key[1], names)
			if err != nil {
				return nil, err
			}
			series(p, end, name)
		}
	}
	err = personal(ctx, r, from, func(rollout string, at time.Time, n int) {
		if p, ok := standing[rollout]; ok && at.After(p.Ends) {
			add(OwnEnd(p.Plan, at), "end", "", n)
		}
	})
	slices.SortStableFunc(list, func(a, b Event) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.What, b.What), cmp.Compare(a.Scope, b.Scope))
	})
	return list, err
}

// nameOf is an organization's name, looked up once.
func nameOf(ctx context.Context, r store.Reader, id string, names map[string]string) (string, error) {
	if name, ok := names[id]; ok {
		return name, nil
	}
	var name string
	err := r.QueryRow(ctx, `select name from organization where id = $1`, id).Scan(&name)
	names[id] = name
	return name, err
}

// personal counts the extensions of single people by their end, from an instant on.
func personal(ctx context.Context, r store.Reader, from time.Time, do func(rollout string, at time.Time, n int)) error {
	rows, err := r.Query(ctx, `select rollout_id, until, count(*) from extension
		where replaced_at is null and holder_id <> '' and until >= $1 group by rollout_id, until order by until limit 1000`, store.Micros(from))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var at int64
		var n int
		if err := rows.Scan(&id, &at, &n); err != nil {
			return err
		}
		do(id, store.Time(at), n)
	}
	return rows.Err()
}

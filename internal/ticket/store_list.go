package ticket

import (
	"context"
	"fmt"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/store"
)

// searched is how many tickets a search looks through at once; a page that found
// few goes on behind them.
const (
	searchedOwn = 20_000
	searchedAll = 3_000
)

// Search is what a list is asked for. The zero Search is all there is.
type Search struct {
	State State    // "": whatever it is
	Mine  bool     // of a customer: written by him, or told to him
	Pairs []string // of what was typed
	After int64    // the last of the page before; 0: from the newest
}

// Page is a part of a list; Next is where the following one begins, 0: nowhere.
type Page struct {
	Tickets []Ticket
	Next    int64
}

// question is a statement that is put together with its parameters.
type question struct{ args []any }

func (q *question) param(value any) string {
	q.args = append(q.args, value)
	return fmt.Sprintf("$%d", len(q.args))
}

// before is where a list begins.
func (s Search) before() int64 {
	if s.After <= 0 {
		return 1 << 62
	}
	return s.After
}

// part are the newest tickets that one row of readers tells.
func (q *question) part(ref account.Ref, holder, name string, s Search, most int) string {
	text := `select number from (select number from ticket_reader where organization_id = ` + q.param(ref.Organization) + ` and holder_id = ` + q.param(holder)
	if s.State != "" {
		text += ` and state = ` + q.param(string(s.State))
	}
	return text + ` and number < ` + q.param(s.before()) + ` order by number desc limit ` + q.param(most) + `) ` + name
}

// seen are the newest tickets that an account sees.
func (q *question) seen(ref account.Ref, s Search, most int) string {
	text := q.part(ref, ref.ID, "part_own", s, most)
	if !s.Mine {
		text += ` union ` + q.part(ref, "", "part_all", s, most)
	}
	return `select number from (` + text + `) both_parts order by number desc limit ` + q.param(most)
}

// holding is the condition that a ticket holds all of some pairs.
func (q *question) holding(pairs []string) string {
	var b strings.Builder
	for i, pair := range pairs {
		b.WriteString([]string{" where ", " and "}[min(i, 1)] + "exists (select 1 from ticket_pair p where p.pair = " + q.param(pair) + " and p.number = seen.number)")
	}
	return b.String()
}

// own are the tickets that an account sees, the newest first. A search looks through
// so many at once; where it found few, the next page goes on behind them.
func own(ctx context.Context, r store.Reader, ref account.Ref, s Search, limit int) (Page, error) {
	var q question
	most := limit + 1
	if len(s.Pairs) > 0 {
		most = searchedOwn
	}
	text := `with seen as (` + q.seen(ref, s, most) + `),
		hit as (select number from seen` + q.holding(s.Pairs) + ` order by number desc limit ` + q.param(limit+1) + `) ` +
		ticketText + ` join hit h on h.number = t.number where t.organization_id = ` + q.param(ref.Organization) + ` order by t.number desc`
	rows, err := r.Query(ctx, text, q.args...)
	p, err := scanPage(rows, err, limit)
	if err != nil || p.Next > 0 || len(s.Pairs) == 0 {
		return p, err
	}
	q = question{}
	p.Next, err = end(ctx, r, q.seen(ref, s, most), q.args, most)
	return p, err
}

// end is the last number of a window that is full, and 0 of one that is not: there
// is nothing behind it.
func end(ctx context.Context, r store.Reader, window string, args []any, most int) (last int64, err error) {
	var n int
	err = r.QueryRow(ctx, `select count(*), coalesce(min(number), 0) from (`+window+`) seen`, args...).Scan(&n, &last)
	if err != nil || n < most {
		return 0, err
	}
	return last, nil
}

// scanPage reads a page by number; one more than limit says that there is another.
func scanPage(rows *store.Rows, err error, limit int) (p Page, _ error) {
	if err != nil {
		return Page{}, fmt.Errorf("tickets: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		t, err := scan(rows)
		if err != nil {
			return Page{}, fmt.Errorf("tickets: %w", err)
		}
		p.Tickets = append(p.Tickets, t)
	}
	if len(p.Tickets) > limit {
		p.Tickets = p.Tickets[:limit]
		p.Next = int64(p.Tickets[limit-1].Number)
	}
	return p, rows.Err()
}

// counted is up to how many the tickets of a pair are counted.
const counted = 1000

// rarest puts the pair first that the fewest tickets hold, as far as that is
// counted, and answers how many those are.
func rarest(ctx context.Context, r store.Reader, pairs []string) (ordered []string, fewest int, err error) {
	var q question
	var parts []string
	for i, pair := range pairs {
		parts = append(parts, fmt.Sprintf(`select %d as place, count(*) as n from (select 1 as one from ticket_pair where pair = %s limit %d) counted_%d`,
			i, q.param(pair), counted, i))
	}
	var place int
	err = r.QueryRow(ctx, `select place, n from (`+strings.Join(parts, " union all ")+`) all_counted order by n, place limit 1`, q.args...).Scan(&place, &fewest)
	if err != nil {
		return nil, 0, fmt.Errorf("ticket search: %w", err)
	}
	ordered = append([]string{pairs[place]}, pairs[:place]...)
	return append(ordered, pairs[place+1:]...), fewest, nil
}

// holders are the newest tickets of the whole portal that hold a pair.
func (q *question) holders(pair string, s Search) string {
	return `select number from ticket_pair where pair = ` + q.param(pair) + ` and number < ` + q.param(s.before()) +
		` order by number desc limit ` + q.param(searchedAll)
}

// found are the tickets of the whole portal that hold all of some pairs, the newest
// first; of many candidates it looks through so many at once.
func found(ctx context.Context, r store.Reader, s Search, limit int) (Page, error) {
	pairs, fewest, err := rarest(ctx, r, s.Pairs)
	if err != nil {
		return Page{}, err
	}
	var q question
	text := `with seen as (` + q.holders(pairs[0], s) + `),
		hit as (select number from seen` + q.holding(pairs[1:]) + ` order by number desc limit ` + q.param(limit+1) + `) ` +
		ticketText + ` join hit h on h.number = t.number order by t.number desc`
	rows, err := r.Query(ctx, text, q.args...)
	p, err := scanPage(rows, err, limit)
	if err != nil || p.Next > 0 || fewest < counted {
		return p, err
	}
	q = question{}
	p.Next, err = end(ctx, r, q.holders(pairs[0], s), q.args, searchedAll)
	return p, err
}

// Queue is which part of the operators' queue is asked for.
type Queue struct {
	Show  string // mine, unassigned, open, answered, closed
	Me    string
	After Place
}

// Place is where a page of the queue begins: behind this ticket.
type Place struct {
	Due    time.Time
	Number Number
}

// queue are the tickets that operators work at: the open ones by what is due first,
// the others the newest first.
func queue(ctx context.Context, r store.Reader, q Queue, limit int) ([]Ticket, error) {
	due := store.Micros(q.After.Due)
	var rows *store.Rows
	var err error
	switch q.Show {
	case "mine", "unassigned":
		to := q.Me
		if q.Show == "unassigned" {
			to = ""
		}
		rows, err = r.Query(ctx, ticketText+` where t.state = 'open' and t.assigned_to = $1 and (t.due_at, t.number) > ($2, $3)
			order by t.due_at, t.number limit $4`, to, due, int64(q.After.Number), limit)
	case "answered", "closed":
		before := int64(q.After.Number)
		if before == 0 {
			before = 1 << 62
		}
		rows, err = r.Query(ctx, ticketText+` where t.state = $1 and t.number < $2 order by t.number desc limit $3`, q.Show, before, limit)
	default:
		rows, err = r.Query(ctx, ticketText+` where t.state = 'open' and (t.due_at, t.number) > ($1, $2)
			order by t.due_at, t.number limit $3`, due, int64(q.After.Number), limit)
	}
	p, err := scanPage(rows, err, limit)
	return p.Tickets, err
}

package ticket

import (
	"context"
	"fmt"
	"time"

	"nidan/internal/account"
	"nidan/internal/store"
)

// Waiting are the tickets that wait for somebody.
type Waiting struct {
	Answered int64 // a customer's: answered, and not closed yet
	Mine     int64 // an operator's: open and assigned to him
	Nobodys  int64 // open and assigned to nobody
	Overdue  int64 // open, of whomever, whose time has passed
}

// Any says whether anything waits.
func (w Waiting) Any() bool { return w != Waiting{} }

// most bounds what is counted: nobody needs to know more exactly.
const most = 1000

// WaitingFor counts what waits for a reader, in one statement.
func WaitingFor(ctx context.Context, r store.Reader, ref account.Ref, now time.Time) (w Waiting, err error) {
	if ref.IsOperator() {
		err = r.QueryRow(ctx, `select
				(select count(*) from (select number from ticket where state = 'open' and assigned_to = $1 limit $2) m),
				(select count(*) from (select number from ticket where state = 'open' and assigned_to = '' limit $3) n),
				(select count(*) from (select number from ticket where state = 'open' and due_at < $4 limit $5) o)`,
			ref.ID, most, most, store.Micros(now), most).Scan(&w.Mine, &w.Nobodys, &w.Overdue)
	} else {
		err = r.QueryRow(ctx, `select count(*) from (select number from ticket_reader
				where organization_id = $1 and holder_id = $2 and state = 'answered'
			union select number from ticket_reader where organization_id = $3 and holder_id = '' and state = 'answered' limit $4) a`,
			ref.Organization, ref.ID, ref.Organization, most).Scan(&w.Answered)
	}
	if err != nil {
		return Waiting{}, fmt.Errorf("tickets: %w", err)
	}
	return w, nil
}

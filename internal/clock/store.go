package clock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nidan/internal/store"
)

// State is what the store remembers of time. Tables: clock (one row), node.
type State struct {
	Latest     time.Time     // the latest instant any node has seen in this epoch
	Epoch      int64         // how often an earlier time was accepted
	FloorStep  int64         // TOTP steps up to this one are refused
	DemoOffset time.Duration // what a demo adds to the machine's time
	Past       string        // the run of the database's server that FloorStep takes into account, see Witness
}

// ErrNotBehind means that there is no earlier time to accept.
var ErrNotBehind = errors.New("the machine's clock is not behind the latest instant seen")

// Step is the 30-second step of an instant (RFC 6238 §4.2), in which the floor is counted.
func Step(t time.Time) int64 { return t.Unix() / 30 }

// Skew is how far nodes' clocks may differ; less than that behind is not a step back.
const Skew = 5 * time.Second

// Load reads what the store remembers; on a new database it starts with the clock's present.
func Load(ctx context.Context, db *store.DB, clk *Clock) (State, error) {
	state, err := read(ctx, db)
	if !errors.Is(err, store.ErrNone) {
		return state, err
	}
	err = db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := first(ctx, tx, clk); err != nil {
			return err
		}
		state, err = read(ctx, tx)
		return err
	})
	return state, err
}

// first writes the row of a new database. Its epoch is 1 and its floor 0: nothing was ever accepted.
func first(ctx context.Context, tx *store.Tx, clk *Clock) error {
	past, err := tx.Past(ctx)
	if err == nil {
		_, err = tx.Exec(ctx, `insert into clock (id, latest, epoch, floor_step, demo_offset, past)
			values (1, $1, 1, 0, 0, $2) on conflict (id) do nothing`, store.Micros(clk.Now()), past)
	}
	if err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	return nil
}

func read(ctx context.Context, r store.Reader) (state State, err error) {
	var latest store.Instant
	var offset int64
	err = r.QueryRow(ctx, `select latest, epoch, floor_step, demo_offset, past from clock where id = 1`).
		Scan(&latest, &state.Epoch, &state.FloorStep, &offset, &state.Past)
	if err != nil {
		return State{}, fmt.Errorf("clock: %w", err)
	}
	state.Latest, state.DemoOffset = latest.Time, time.Duration(offset)*time.Microsecond
	return state, nil
}

// follow takes over what other nodes and the console have changed: a demo's
// offset, an earlier time accepted, later instants seen. What a clock saw before
// it first took an offset is of another time and forgotten.
func (c *Clock) follow(state State) {
	known := c.epoch.Swap(state.Epoch)
	offset := int64(state.DemoOffset)
	jumped := c.demo.Swap(offset) != offset
	if jumped {
		c.Jump(state.DemoOffset)
	}
	if known == 0 && jumped || known != 0 && known < state.Epoch {
		c.Accept()
	}
	c.Raise(state.Latest)
}

// Start is called once when a program begins to serve. It raises the clock to the
// latest instant seen, so that a machine set back does not relive time. When the
// past is uncertain (this node did not end by Stop, or the machine's clock stands
// behind) it raises the TOTP floor to the present step: a code that was accepted
// and forgotten is older than that. A process that is killed loses nothing that was
// committed; whatever loses it takes a machine's start (or the server's: Witness), and
// with it longer than the step that a device may be ahead.
func Start(ctx context.Context, db *store.DB, clk *Clock, node string) (State, error) {
	var state State
	err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		// In one transaction with this node's row: a move looks for nodes in the one that holds.
		hold, err := store.ReadHold(ctx, tx)
		if err == nil {
			err = hold.Err()
		}
		if err == nil {
			err = first(ctx, tx, clk)
		}
		if err != nil {
			return err
		}
		if state, err = read(ctx, tx); err != nil {
			return err
		}
		clk.follow(state)
		unclean, err := begin(ctx, tx, node, clk.Now())
		if err != nil {
			return err
		}
		if unclean || clk.Behind() > Skew {
			if err := raiseFloor(ctx, tx, Step(clk.Now())); err != nil {
				return err
			}
		}
		if _, err := Witness(ctx, tx, state.Past, state.FloorStep); err != nil {
			return err
		}
		if err := remember(ctx, tx, clk.Now(), state.Epoch); err != nil {
			return err
		}
		state, err = read(ctx, tx)
		return err
	})
	if err != nil {
		return State{}, fmt.Errorf("clock start: %w", err)
	}
	return state, nil
}

// begin marks a node as running and says whether it was marked so already, which
// is what a crash leaves behind.
func begin(ctx context.Context, tx *store.Tx, node string, now time.Time) (unclean bool, err error) {
	err = tx.QueryRow(ctx, `select exists (select 1 from node where name = $1 and stopped_at is null)`, node).Scan(&unclean)
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, `insert into node (name, started_at, stopped_at) values ($1, $2, null)
		on conflict (name) do update set started_at = excluded.started_at, stopped_at = null`, node, store.Micros(now))
	return unclean, err
}

// Stop marks a clean end: everything this node accepted is stored.
func Stop(ctx context.Context, db *store.DB, node string) error {
	err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `update node set stopped_at = $1 where name = $2`, store.Micros(tx.Now()), node)
		return err
	})
	if err != nil {
		return fmt.Errorf("clock stop: %w", err)
	}
	return nil
}

// Remember stores the latest instant, and takes over what others have stored. It
// is called each minute; a later instant is never lowered, and one of an epoch
// that the console has ended meanwhile is not stored.
func Remember(ctx context.Context, db *store.DB, clk *Clock) error {
	state, err := Load(ctx, db, clk)
	if err != nil {
		return err
	}
	clk.follow(state)
	return db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := Witness(ctx, tx, state.Past, state.FloorStep); err != nil {
			return err
		}
		return remember(ctx, tx, clk.Now(), state.Epoch)
	})
}

// Witness is asked in every transaction that may accept a code of an app, with the past
// and the floor that stand in the clock's row. When the row was written to another run of
// the database's server than this one, that server died, or another took over, or the
// database came from elsewhere: what was accepted since may be forgotten. It then raises
// the floor to whatever may have been accepted by now, notes the run, and answers the new
// floor.
func Witness(ctx context.Context, tx *store.Tx, past string, floor int64) (int64, error) {
	run, err := tx.Past(ctx)
	if err != nil {
		return 0, fmt.Errorf("clock past: %w", err)
	}
	if run == past {
		return floor, nil
	}
	floor = max(floor, newest(tx.Now()))
	_, err = tx.Exec(ctx, `update clock set past = $1, floor_step = $2 where id = 1`, run, floor)
	if err != nil {
		return 0, fmt.Errorf("clock past: %w", err)
	}
	return floor, nil
}

// newest is the newest step of which a code may have been accepted anywhere by now: a
// device may be a step ahead, and the clock of the node that accepted it the skew ahead
// of the database's, as this one may be behind it.
func newest(now time.Time) int64 { return Step(now.Add(2*Skew)) + 1 }

func remember(ctx context.Context, tx *store.Tx, now time.Time, epoch int64) error {
	_, err := tx.Exec(ctx, `update clock set latest = $1 where id = 1 and epoch = $2 and latest < $1`,
		store.Micros(now), epoch)
	if err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	return nil
}

// RaiseFloor makes the steps up to the present one unusable. Where codes are lost that
// were accepted, one of a step ahead may be among them: see Witness and Restored.
func RaiseFloor(ctx context.Context, tx *store.Tx) error { return raiseFloor(ctx, tx, Step(tx.Now())) }

func raiseFloor(ctx context.Context, tx *store.Tx, step int64) error {
	_, err := tx.Exec(ctx, `update clock set floor_step = $1 where id = 1 and floor_step < $1`, step)
	if err != nil {
		return fmt.Errorf("clock floor: %w", err)
	}
	return nil
}

// Accept lowers the latest instant to the machine's time and opens an epoch, in
// which the floor starts at the present step. It answers both instants; the
// caller records them. Running nodes follow at their next Remember.
func Accept(ctx context.Context, tx *store.Tx, clk *Clock) (was, is time.Time, err error) {
	state, err := read(ctx, tx)
	if err != nil {
		return time.Time{}, time.Time{}, err
	}
	is = clk.Raw().UTC().Truncate(time.Microsecond)
	if !is.Before(state.Latest) {
		return time.Time{}, time.Time{}, ErrNotBehind
	}
	if err := lower(ctx, tx, is, state.DemoOffset, Step(is)); err != nil {
		return time.Time{}, time.Time{}, err
	}
	clk.Accept()
	return state.Latest, is, nil
}

// lower opens an epoch at an earlier instant.
func lower(ctx context.Context, tx *store.Tx, is time.Time, offset time.Duration, floor int64) error {
	_, err := tx.Exec(ctx, `update clock set latest = $1, epoch = epoch + 1, floor_step = $2, demo_offset = $3 where id = 1`,
		store.Micros(is), floor, offset.Microseconds())
	if err != nil {
		return fmt.Errorf("clock accept: %w", err)
	}
	return nil
}

// SetDemoOffset makes a demo's clock jump, on all nodes; a jump back accepts the
// lower time by itself.
func SetDemoOffset(ctx context.Context, db *store.DB, clk *Clock, offset time.Duration) error {
	offset = offset.Truncate(time.Microsecond)
	err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := first(ctx, tx, clk); err != nil {
			return err
		}
		state, err := read(ctx, tx)
		if err != nil {
			return err
		}
		clk.epoch.CompareAndSwap(0, state.Epoch) // so that follow sees the new one as new
		is := clk.Machine().Add(offset)
		if is.Before(state.Latest) {
			return lower(ctx, tx, is, offset, Step(is)-2) // the code a demo shows works at once
		}
		_, err = tx.Exec(ctx, `update clock set latest = $1, demo_offset = $2 where id = 1`,
			store.Micros(is), offset.Microseconds())
		return err
	})
	if err != nil {
		return fmt.Errorf("demo clock: %w", err)
	}
	state, err := Load(ctx, db, clk)
	if err != nil {
		return err
	}
	clk.follow(state)
	return nil
}

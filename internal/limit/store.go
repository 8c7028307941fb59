package limit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"nidan/internal/store"
)

// long is how long an allowance has been full before its row goes: two nodes'
// clocks may differ.
const long = time.Hour

// Peek answers when all the keys allow a try: the zero time is now. It spends
// nothing and is one statement.
func Peek(ctx context.Context, r store.Reader, now time.Time, keys ...Key) (again time.Time, err error) {
	if err := checkAll(keys); err != nil {
		return time.Time{}, err
	}
	if len(keys) == 0 {
		return time.Time{}, nil
	}
	fullAt, err := read(ctx, r, keys)
	if err != nil {
		return time.Time{}, fmt.Errorf("limit peek: %w", err)
	}
	for _, k := range keys {
		if ok, at := k.Rate.Next(now, fullAt[k.Name]); !ok && at.After(again) {
			again = at
		}
	}
	return again, nil
}

func read(ctx context.Context, r store.Reader, keys []Key) (map[string]time.Time, error) {
	var args arguments
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = args.add(k.Name)
	}
	rows, err := r.Query(ctx, `select name, full_at from allowance where name in (`+strings.Join(names, ", ")+`)`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	fullAt := make(map[string]time.Time, len(keys))
	for rows.Next() {
		var name string
		var at store.Instant
		if err := rows.Scan(&name, &at); err != nil {
			return nil, err
		}
		fullAt[name] = at.Time
	}
	return fullAt, rows.Err()
}

// Spend takes one try of each key whether or not it is allowed, in one statement:
// what has happened is counted. It is Rate.Spent in SQL, where it is exact however
// many spend at once.
func Spend(ctx context.Context, tx *store.Tx, keys ...Key) error {
	if err := checkAll(keys); err != nil {
		return err
	}
	if len(keys) == 0 {
		return nil
	}
	// Always in one order, so that two transactions do not lock each other out.
	keys = slices.SortedFunc(slices.Values(keys), func(a, b Key) int { return strings.Compare(a.Name, b.Name) })
	var args arguments
	values := make([]string, len(keys))
	for i, k := range keys {
		values[i] = "(" + args.add(k.Name) + ", " + args.add(store.Micros(tx.Now().Add(k.Rate.Every))) + ")"
	}
	now := args.add(store.Micros(tx.Now()))
	err := tx.Later(ctx, nil, `insert into allowance (name, full_at) values `+strings.Join(values, ", ")+`
		on conflict (name) do update set full_at = case
			when allowance.full_at > `+now+` then allowance.full_at + excluded.full_at - `+now+`
			else excluded.full_at end`, args...)
	if err != nil {
		return fmt.Errorf("limit spend: %w", err)
	}
	return nil
}

// Try takes one try of a key if it is allowed: the zero time says that it was
// taken, any other that it was not, and from when on it may be. One statement
// decides; a refusal reads when.
func Try(ctx context.Context, tx *store.Tx, key Key) (again time.Time, err error) {
	if err := key.check(); err != nil {
		return time.Time{}, err
	}
	now := tx.Now()
	var fullAt store.Instant
	err = tx.QueryRow(ctx, `insert into allowance (name, full_at) values ($1, $2)
		on conflict (name) do update set full_at = case
			when allowance.full_at > $3 then allowance.full_at + excluded.full_at - $3
			else excluded.full_at end
		where allowance.full_at <= $4
		returning full_at`,
		key.Name, store.Micros(now.Add(key.Rate.Every)), store.Micros(now), store.Micros(now.Add(key.Rate.room()))).Scan(&fullAt)
	if err == nil {
		return time.Time{}, nil
	}
	if !errors.Is(err, store.ErrNone) {
		return time.Time{}, fmt.Errorf("limit try: %w", err)
	}
	return Peek(ctx, tx, now, key)
}

// Refund gives one try of each key back, in one statement. An allowance that has
// filled up meanwhile gets nothing on top.
func Refund(ctx context.Context, tx *store.Tx, keys ...Key) error {
	if err := checkAll(keys); err != nil {
		return err
	}
	if len(keys) == 0 {
		return nil
	}
	var args arguments
	var whens, names strings.Builder
	for i, k := range keys {
		name := args.add(k.Name)
		whens.WriteString(" when " + name + " then cast(" + args.add(k.Rate.Every.Microseconds()) + " as bigint)")
		if i > 0 {
			names.WriteString(", ")
		}
		names.WriteString(name)
	}
	err := tx.Later(ctx, nil, `update allowance set full_at = full_at - case name`+whens.String()+` end
		where name in (`+names.String()+`)`, args...)
	if err != nil {
		return fmt.Errorf("limit refund: %w", err)
	}
	return nil
}

// Clear makes allowances full, in one statement.
func Clear(ctx context.Context, tx *store.Tx, names ...string) error {
	if len(names) == 0 {
		return nil
	}
	var args arguments
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = args.add(name)
	}
	if err := tx.Later(ctx, nil, `delete from allowance where name in (`+strings.Join(list, ", ")+`)`, args...); err != nil {
		return fmt.Errorf("limit clear: %w", err)
	}
	return nil
}

// Under are the names of the allowances that begin with a prefix, at most limit of
// them. It reads many rows: not for a transaction.
func Under(ctx context.Context, r store.Reader, prefix string, limit int) (names []string, err error) {
	rows, err := r.Query(ctx, `select name from allowance where substr(name, 1, $1) = $2 order by name limit $3`, utf8.RuneCountInString(prefix), prefix, limit)
	if err != nil {
		return nil, fmt.Errorf("limit under: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// Prune removes the rows of allowances that have long been full.
func Prune(ctx context.Context, tx *store.Tx, now time.Time) error {
	if err := tx.Later(ctx, nil, `delete from allowance where full_at < $1`, store.Micros(now.Add(-long))); err != nil {
		return fmt.Errorf("limit prune: %w", err)
	}
	return nil
}

// arguments are the arguments of a statement whose length depends on its keys.
type arguments []any

// add binds a value and answers its placeholder.
func (a *arguments) add(value any) string {
	*a = append(*a, value)
	return "$" + strconv.Itoa(len(*a))
}

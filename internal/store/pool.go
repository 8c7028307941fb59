package store

import (
	"context"
	"database/sql"
	"errors"
	"hash/fnv"
	"sync"
	"time"
)

// pool reads. On SQLite it keeps each statement prepared, since parsing a join
// costs more than running it; pgx keeps them prepared by itself.
type pool struct {
	db      *sql.DB
	prepare bool
	made    sync.Map // text → *sql.Stmt
}

func newPool(db *sql.DB, prepare bool) *pool { return &pool{db: db, prepare: prepare} }

func (p *pool) query(ctx context.Context, text string, args []any) (*Rows, error) {
	if !p.prepare {
		return p.ask(ctx, text, args)
	}
	stmt, err := p.statement(ctx, text)
	if err != nil {
		return nil, mapError(err)
	}
	return unwatched(ctx, stmt, args)
}

// unwatched reads by a statement of SQLite and looks before it and at each row whether
// whoever asked is still there. What is given a context that can end starts two
// goroutines for each statement to watch it, which for the short ones of a sign-in took
// a sixth of all that it takes beside its hash.
func unwatched(ctx context.Context, stmt *sql.Stmt, args []any) (*Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(context.WithoutCancel(ctx), args...)
	return &Rows{Rows: rows, ctx: ctx}, mapError(err)
}

// ask reads from PostgreSQL. Of a server that went away many connections may be left;
// what only reads is asked on the next one, until one holds or none can be made.
func (p *pool) ask(ctx context.Context, text string, args []any) (*Rows, error) {
	bounded, answered := bound(ctx)
	defer answered()
	for tries := 0; ; tries++ {
		rows, err := p.db.QueryContext(bounded, text, args...)
		if err == nil || tries == connections || !broke(err) {
			return &Rows{Rows: rows}, away(bounded, mapError(err))
		}
	}
}

func (p *pool) statement(ctx context.Context, text string) (*sql.Stmt, error) {
	if stmt, ok := p.made.Load(text); ok {
		return stmt.(*sql.Stmt), nil
	}
	stmt, err := p.db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if first, there := p.made.LoadOrStore(text, stmt); there {
		_ = stmt.Close()
		return first.(*sql.Stmt), nil
	}
	return stmt, nil
}

// close finalizes what was prepared first: SQLite keeps a connection with statements
// open after its end, and then the log stays beside the file.
func (p *pool) close() error {
	var err error
	p.made.Range(func(_, stmt any) bool {
		err = errors.Join(err, stmt.(*sql.Stmt).Close())
		return true
	})
	return errors.Join(err, p.db.Close())
}

// writer runs transactions: on SQLite one after another on one connection, in
// the order they came; on PostgreSQL side by side.
type writer struct {
	db    *sql.DB
	conn  *sql.Conn     // SQLite's one writing connection
	turn  chan struct{} // held while it is in use
	made  map[string]*sql.Stmt
	lite  *lite
	wire  *wire
	lines []chan struct{} // PostgreSQL: of WriteOf, see line; nil: there are none
}

// lines is how many lines there are: organizations share one where their names' sums meet.
const lines = 256

func newLines() []chan struct{} {
	all := make([]chan struct{}, lines)
	for i := range all {
		all[i] = make(chan struct{}, 1)
	}
	return all
}

// line is where transactions of an organization wait for one another; nil: nowhere.
func (w *writer) line(organization string) chan struct{} {
	if w.lines == nil {
		return nil
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(organization)) // never fails
	return w.lines[sum.Sum32()%lines]
}

// try is one attempt. asked ends the wait for its turn, ctx the transaction itself.
// deed takes down what is written to watched tables.
func (w *writer) try(asked, ctx context.Context, now func() time.Time, deed *deed, do func(context.Context, *Tx) error) error {
	if w.conn == nil {
		return w.trySerializable(asked, ctx, now, deed, do)
	}
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-asked.Done():
		return context.Cause(asked)
	}
	if asked.Err() != nil {
		return context.Cause(asked)
	}
	count(ctx)
	if err := w.command(ctx, "begin immediate"); err != nil {
		return mapError(err)
	}
	open := true
	defer func() {
		if open { // do failed or panicked: nothing of it stays
			_ = w.command(context.WithoutCancel(ctx), "rollback")
		}
	}()
	tx := &Tx{now: now(), params: paramsLite, deed: deed, exec: w.exec, rows: w.rows}
	if err := do(ctx, tx); err != nil {
		return err
	}
	count(ctx)
	w.lite.begin()
	defer w.lite.end(w.dataVersion)
	// A commit is not broken off by a client that hung up: it either is or is not.
	err := w.command(context.WithoutCancel(ctx), "commit")
	open = err != nil
	return mapCommit(err)
}

func (w *writer) command(ctx context.Context, text string) error {
	stmt, err := w.statement(ctx, text)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(context.WithoutCancel(ctx))
	return err
}

func (w *writer) exec(ctx context.Context, text string, args []any) (int64, error) {
	stmt, err := w.statement(ctx, text)
	if err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(context.WithoutCancel(ctx), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (w *writer) rows(ctx context.Context, text string, args []any) (*Rows, error) {
	stmt, err := w.statement(ctx, text)
	if err != nil {
		return nil, mapError(err)
	}
	return unwatched(ctx, stmt, args)
}

// statement is only called while the turn is held, so the map needs no lock.
func (w *writer) statement(ctx context.Context, text string) (*sql.Stmt, error) {
	if stmt, ok := w.made[text]; ok {
		return stmt, nil
	}
	stmt, err := w.conn.PrepareContext(context.WithoutCancel(ctx), text)
	if err != nil {
		return nil, err
	}
	w.made[text] = stmt
	return stmt, nil
}

// dataVersion changes with commits of other connections alone; the turn is held.
func (w *writer) dataVersion() (version int64, err error) {
	stmt, err := w.statement(context.Background(), "pragma data_version")
	if err != nil {
		return 0, err
	}
	return version, stmt.QueryRowContext(context.Background()).Scan(&version)
}

func (w *writer) close() error {
	if w.conn == nil {
		return nil // the pool that reads is the same and closes it
	}
	w.turn <- struct{}{}
	var err error
	for _, stmt := range w.made { // see pool.close
		err = errors.Join(err, stmt.Close())
	}
	err = errors.Join(err, w.conn.Close())
	return errors.Join(err, w.db.Close())
}

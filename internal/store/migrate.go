package store

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migration is one step of the schema. Steps are append-only: a step that was
// applied with another text is an error, never a surprise.
type Migration struct {
	Version int
	Name    string
	Text    string
	Digest  string
	// ServesFrom is the last step of the oldest program that may serve a database with
	// this one. A step that only expands names an older step; one that says nothing in
	// its text ("-- serves-from: 8") names itself.
	ServesFrom int
}

// ErrSchema means that the schema is not the one this program was built with.
var ErrSchema = errors.New("the database's schema is not this program's")

// Migrations are the steps this program knows, in order.
func Migrations() ([]Migration, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	steps := make([]Migration, 0, len(names))
	for _, name := range names {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != len(steps)+1 {
			return nil, fmt.Errorf("migration %s: its number should be %04d", name, len(steps)+1)
		}
		step, err := NewMigration(version, path.Base(name), string(text))
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, nil
}

var servesFrom = regexp.MustCompile(`(?m)^-- serves-from: (.*)$`)

// NewMigration reads a step from its text.
func NewMigration(version int, name, text string) (Migration, error) {
	sum := sha256.Sum256([]byte(text))
	step := Migration{version, name, text, hex.EncodeToString(sum[:]), version}
	if said := servesFrom.FindStringSubmatch(text); said != nil {
		from, err := strconv.Atoi(said[1])
		if err != nil || from < 1 || from > version {
			return Migration{}, fmt.Errorf("migration %s: serves-from names a step up to its own, not %q", name, said[1])
		}
		step.ServesFrom = from
	}
	return step, nil
}

// Knowing is the same database as a program sees it that has these steps: an older
// one, or the schema of a backup's own time.
func (db *DB) Knowing(steps []Migration) *DB {
	other := *db
	other.steps = steps
	return &other
}

// Steps are those that this program knows, or those of Knowing.
func (db *DB) Steps() ([]Migration, error) {
	if db.steps != nil {
		return db.steps, nil
	}
	return Migrations()
}

// Migrate applies the steps that are missing, all in one transaction, and answers
// those applied. Several nodes may call it at once: one does the work. Killed half-way
// it has done nothing, and may be called again.
//
// It may run beside a serving portal: it waits for no table longer than lockedFor, and
// begins anew rather than have others wait behind it, or lose to it in a deadlock.
func (db *DB) Migrate(ctx context.Context) ([]Migration, error) {
	steps, err := db.Steps()
	if err != nil {
		return nil, err
	}
	release, err := db.alone(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	defer release()
	var done []Migration
	for range rounds {
		done, err = db.migrate(ctx, steps)
		if db.engine != PostgreSQL || !errors.Is(err, ErrBusy) {
			return done, err
		}
	}
	return nil, fmt.Errorf("migrate: %w: run it at a quieter hour, or in a maintenance window", err)
}

// A migration on PostgreSQL waits for a table this long, which is less than after what
// time the server looks for deadlocks and lets somebody else lose (1 s as it comes).
// It is tried again for as long as Write does, and that so many times.
const (
	lockedFor = "150ms"
	rounds    = 12
)

func (db *DB) migrate(ctx context.Context, steps []Migration) (done []Migration, err error) {
	err = db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		done = nil
		if db.engine == PostgreSQL {
			for _, text := range []string{`set local lock_timeout = '` + lockedFor + `'`, `set local idle_in_transaction_session_timeout = 0`} {
				if _, err := tx.Exec(ctx, text); err != nil {
					return err
				}
			}
		}
		if err := migrationTable(ctx, tx, db.engine); err != nil {
			return err
		}
		there, err := appliedSteps(ctx, tx)
		if err != nil {
			return err
		}
		for _, step := range steps {
			if known, ok := there[step.Version]; ok {
				if known.digest != step.Digest {
					return fmt.Errorf("%w: step %s was applied with another text", ErrSchema, step.Name)
				}
				if err := sayServesFrom(ctx, tx, step, known); err != nil {
					return err
				}
				continue
			}
			for _, statement := range statements(step.Text) {
				if _, err := tx.Exec(ctx, statement); err != nil {
					return fmt.Errorf("migration %s: %w", step.Name, err)
				}
			}
			_, err := tx.Exec(ctx, `insert into migration (version, name, digest, applied_at, serves_from) values ($1, $2, $3, $4, $5)`,
				step.Version, step.Name, step.Digest, Micros(tx.Now()), step.ServesFrom)
			if err != nil {
				return err
			}
			done = append(done, step)
		}
		return nil
	})
	return done, err
}

// migrationTable makes the list of steps, or brings one up that was made before steps
// said which programs may still serve them.
func migrationTable(ctx context.Context, tx *Tx, engine Engine) error {
	_, err := tx.Exec(ctx, `create table if not exists migration (
		version integer primary key, name text not null, digest text not null, applied_at bigint not null, serves_from integer)`)
	if err != nil {
		return err
	}
	there, err := columns(ctx, tx, engine, "migration")
	if err != nil || slices.ContainsFunc(there, func(c Column) bool { return c.Name == "serves_from" }) {
		return err
	}
	_, err = tx.Exec(ctx, `alter table migration add column serves_from integer`)
	return err
}

// sayServesFrom adds what a step that was applied before did not say.
func sayServesFrom(ctx context.Context, tx *Tx, step Migration, known applied) error {
	if known.servesFrom == step.ServesFrom {
		return nil
	}
	_, err := tx.Exec(ctx, `update migration set serves_from = $1 where version = $2`, step.ServesFrom, step.Version)
	return err
}

// alone waits until no other node migrates; on SQLite the writer's turn says so.
// It is a transaction of its own: one that waited for the lock inside would still
// see the database as it was before the wait, and create the same tables again.
func (db *DB) alone(ctx context.Context) (release func(), err error) {
	if db.engine != PostgreSQL {
		return func() {}, nil
	}
	lock, err := db.write.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, mapError(err)
	}
	release = func() { _ = lock.Rollback() } // the lock goes with it, as with a lost connection
	for _, text := range []string{
		`set local lock_timeout = 0`, // another node's migration may take its time, and so may ours
		`set local idle_in_transaction_session_timeout = 0`,
		`select pg_advisory_xact_lock(4711002718)`,
	} {
		if _, err := lock.ExecContext(ctx, text); err != nil {
			release()
			return nil, mapError(err)
		}
	}
	return release, nil
}

// Schema says how the database stands against this program: empty is true when
// nothing was ever applied; ErrSchema when steps are missing or changed, or a newer
// program has applied one that this program does not serve with.
func (db *DB) Schema(ctx context.Context) (empty bool, err error) {
	steps, err := db.Steps()
	if err != nil {
		return false, err
	}
	there, err := db.tables(ctx)
	if err != nil {
		return false, err
	}
	if there == 0 {
		return true, nil
	}
	found, err := db.appliedSteps(ctx)
	if err != nil {
		return false, fmt.Errorf("%w: it holds tables but no list of migrations (%w)", ErrSchema, err)
	}
	return false, compatible(steps, found)
}

// compatible is the rule by which a program that ends with its last step decides
// about a database, and about steps that it has never seen.
func compatible(steps []Migration, found map[int]applied) error {
	last := 0
	for _, step := range steps {
		known, ok := found[step.Version]
		switch {
		case !ok:
			return fmt.Errorf("%w: step %s is missing: run `nidan migrate`", ErrSchema, step.Name)
		case known.digest != step.Digest:
			return fmt.Errorf("%w: step %s was applied with another text", ErrSchema, step.Name)
		}
		last = step.Version
	}
	for _, version := range slices.Sorted(maps.Keys(found)) {
		newer := found[version]
		switch {
		case version <= last:
		case newer.servesFrom == 0:
			return fmt.Errorf("%w: it was migrated by a newer nidan, and step %s does not say that this one may serve it: install the newer one",
				ErrSchema, newer.name)
		case newer.servesFrom > last:
			return fmt.Errorf("%w: it was migrated by a newer nidan, and step %s needs a program that knows step %d; this one ends with step %d: install the newer one",
				ErrSchema, newer.name, newer.servesFrom, last)
		}
	}
	return nil
}

func (db *DB) tables(ctx context.Context) (n int, err error) {
	text := `select count(*) from sqlite_schema where type = 'table' and name not like 'sqlite%'`
	if db.engine == PostgreSQL {
		text = `select count(*) from information_schema.tables where table_schema = current_schema()`
	}
	return n, db.QueryRow(ctx, text).Scan(&n)
}

// applied is a step as the database has it.
type applied struct {
	name, digest string
	servesFrom   int // 0: it does not say
}

// appliedSteps reads the list of steps, whichever program wrote it.
func (db *DB) appliedSteps(ctx context.Context) (map[int]applied, error) {
	there, err := columns(ctx, db, db.engine, "migration")
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(there, func(c Column) bool { return c.Name == "serves_from" }) {
		return appliedSteps(ctx, db)
	}
	return scanSteps(db.Query(ctx, `select version, name, digest, 0 from migration`))
}

func appliedSteps(ctx context.Context, r Reader) (map[int]applied, error) {
	return scanSteps(r.Query(ctx, `select version, name, digest, coalesce(serves_from, 0) from migration`))
}

func scanSteps(rows *Rows, err error) (map[int]applied, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	there := map[int]applied{}
	for rows.Next() {
		var version int
		var one applied
		if err := rows.Scan(&version, &one.name, &one.digest, &one.servesFrom); err != nil {
			return nil, err
		}
		there[version] = one
	}
	return there, rows.Err()
}

// statements splits a migration at the semicolons that end lines. A migration has
// no strings or bodies with such a semicolon in them.
func statements(text string) []string {
	var list []string
	for part := range strings.SplitSeq(text, ";\n") {
		lines := strings.Split(part, "\n")
		kept := lines[:0]
		for _, line := range lines {
			if !strings.HasPrefix(strings.TrimSpace(line), "--") {
				kept = append(kept, line)
			}
		}
		if statement := strings.TrimSpace(strings.Join(kept, "\n")); statement != "" {
			list = append(list, statement)
		}
	}
	return list
}

// AppliedSteps are the steps that a database has, in order, without their text.
func AppliedSteps(ctx context.Context, r Reader) ([]Migration, error) {
	found, err := appliedSteps(ctx, r)
	if err != nil {
		return nil, err
	}
	list := make([]Migration, 0, len(found))
	for _, version := range slices.Sorted(maps.Keys(found)) {
		one := found[version]
		list = append(list, Migration{Version: version, Name: one.name, Digest: one.digest, ServesFrom: one.servesFrom})
	}
	return list, nil
}

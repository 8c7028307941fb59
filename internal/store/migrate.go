package store

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
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
		sum := sha256.Sum256(text)
		steps = append(steps, Migration{version, path.Base(name), string(text), hex.EncodeToString(sum[:])})
	}
	return steps, nil
}

// Migrate applies the steps that are missing, all in one transaction, and answers
// those applied. Several nodes may call it at once: one does the work.
func (db *DB) Migrate(ctx context.Context) ([]Migration, error) {
	steps, err := Migrations()
	if err != nil {
		return nil, err
	}
	release, err := db.alone(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	defer release()
	var applied []Migration
	err = db.Write(ctx, func(ctx context.Context, tx *Tx) error {
		applied = nil
		_, err := tx.Exec(ctx, `create table if not exists migration (
			version integer primary key, name text not null, digest text not null, applied_at bigint not null)`)
		if err != nil {
			return err
		}
		there, err := appliedSteps(ctx, tx)
		if err != nil {
			return err
		}
		for _, step := range steps {
			if digest, ok := there[step.Version]; ok {
				if digest != step.Digest {
					return fmt.Errorf("%w: step %s was applied with another text", ErrSchema, step.Name)
				}
				continue
			}
			for _, statement := range statements(step.Text) {
				if _, err := tx.Exec(ctx, statement); err != nil {
					return fmt.Errorf("migration %s: %w", step.Name, err)
				}
			}
			_, err := tx.Exec(ctx, `insert into migration (version, name, digest, applied_at) values ($1, $2, $3, $4)`,
				step.Version, step.Name, step.Digest, Micros(tx.Now()))
			if err != nil {
				return err
			}
			applied = append(applied, step)
		}
		return nil
	})
	return applied, err
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
	if _, err := lock.ExecContext(ctx, `select pg_advisory_xact_lock(4711002718)`); err != nil {
		release()
		return nil, mapError(err)
	}
	return release, nil
}

// Schema says how the database stands against this program: empty is true when
// nothing was ever applied; ErrSchema when steps are missing, unknown or changed.
func (db *DB) Schema(ctx context.Context) (empty bool, err error) {
	steps, err := Migrations()
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
	applied, err := appliedSteps(ctx, db)
	if err != nil {
		return false, fmt.Errorf("%w: it holds tables but no list of migrations (%w)", ErrSchema, err)
	}
	for _, step := range steps {
		digest, ok := applied[step.Version]
		switch {
		case !ok:
			return false, fmt.Errorf("%w: step %s is missing: run `nidan migrate`", ErrSchema, step.Name)
		case digest != step.Digest:
			return false, fmt.Errorf("%w: step %s was applied with another text", ErrSchema, step.Name)
		}
		delete(applied, step.Version)
	}
	if len(applied) > 0 {
		return false, fmt.Errorf("%w: it was migrated by a newer nidan", ErrSchema)
	}
	return false, nil
}

func (db *DB) tables(ctx context.Context) (n int, err error) {
	text := `select count(*) from sqlite_schema where type = 'table' and name not like 'sqlite%'`
	if db.engine == PostgreSQL {
		text = `select count(*) from information_schema.tables where table_schema = current_schema()`
	}
	return n, db.QueryRow(ctx, text).Scan(&n)
}

func appliedSteps(ctx context.Context, r Reader) (map[int]string, error) {
	rows, err := r.Query(ctx, `select version, digest from migration`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	there := map[int]string{}
	for rows.Next() {
		var version int
		var digest string
		if err := rows.Scan(&version, &digest); err != nil {
			return nil, err
		}
		there[version] = digest
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

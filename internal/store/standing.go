package store

import (
	"context"
	"fmt"
)

// Standing is how safely PostgreSQL keeps what was committed.
type Standing struct {
	Fsync     bool
	Commit    string // synchronous_commit
	Named     bool   // standbys are named that a commit waits for
	Followers int    // standbys that take the log now
	Seen      int    // of these, those whose state this user may see
	Waited    int    // of these, those that a commit waits for
}

// Standing asks PostgreSQL; ok is false on SQLite, which has none.
func (db *DB) Standing(ctx context.Context) (s Standing, ok bool, err error) {
	if db.engine != PostgreSQL {
		return Standing{}, false, nil
	}
	err = db.QueryRow(ctx, `select current_setting('fsync') = 'on', current_setting('synchronous_commit'),
			current_setting('synchronous_standby_names') <> '', count(*), count(r.sync_state),
			count(*) filter (where r.sync_state in ('sync', 'quorum'))
		from pg_stat_replication r`).Scan(&s.Fsync, &s.Commit, &s.Named, &s.Followers, &s.Seen, &s.Waited)
	if err != nil {
		return Standing{}, true, fmt.Errorf("standing: %w", err)
	}
	return s, true, nil
}

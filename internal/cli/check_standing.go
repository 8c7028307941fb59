package cli

import (
	"errors"
	"fmt"

	"nidan/internal/store"
)

// keeps says what happens to the last changes when the database's server or its
// machine is lost. What cannot be promised at all fails; what an operator may choose so,
// or cannot be seen, is told.
func keeps(s store.Standing) (string, error) {
	switch {
	case !s.Fsync:
		return "", errors.New("fsync is off on the server: after a loss of power the database may be broken; set it to on")
	case s.Commit == "off":
		return "", errors.New("synchronous_commit is off: a change that was answered as done is lost when the server dies within the next second; set it to on for this database")
	case s.Named && (s.Followers == 0 || s.Seen > 0 && s.Waited == 0):
		return "", errors.New("synchronous_standby_names names standbys and none of them is attached: every change waits until one is; start it, or take the name out")
	case s.Named && s.Commit == "local":
		return "warning: synchronous_commit is local, so no change waits for a standby: after a failover what was answered as done may be missing; set it to on", nil
	case s.Named && s.Seen == 0:
		return "changes wait for a standby; whether the right one is attached this user may not see (grant pg_read_all_stats)", nil
	case s.Named:
		return fmt.Sprintf("%d of %d standbys have every change before it is answered", s.Waited, s.Followers), nil
	case s.Followers > 0:
		return fmt.Sprintf("warning: %d standby(s) follow without being waited for: after a failover the last changes that were answered as done may be missing; set synchronous_standby_names", s.Followers), nil
	}
	return "no standby: what was written since the last backup is lost with the server's disk", nil
}

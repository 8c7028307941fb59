package signin

import (
	"slices"
	"strings"
	"testing"

	"nidan/internal/store/storetest"
)

// few are tables of some rows, whoever uses the portal.
var few = []string{"rollout", "policy"}

// What the gate asks costs the same among ten million people, and with thousands of
// extensions: each table that grows is searched by an index whose first columns are known.
func TestTheGateReadsNoTableFromEndToEnd(t *testing.T) {
	w := storetest.Open(t, storetest.SQLite(t))
	rows, err := w.DB.Query(t.Context(), "explain query plan "+knownText, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	searched := 0
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		what, rest, _ := strings.Cut(detail, " ")
		table, _, _ := strings.Cut(rest, " ")
		if what != "SEARCH" && what != "SCAN" {
			continue
		}
		searched++
		if !strings.Contains(detail, "=?") && !slices.Contains(few, table) {
			t.Errorf("%s", detail)
		}
	}
	if err := rows.Err(); err != nil || searched < 10 {
		t.Errorf("%d tables are searched, %v", searched, err)
	}
}

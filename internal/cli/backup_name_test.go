package cli

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Of many that end at once under one name one has it, and what it wrote stays.
func TestABackupReplacesNoneThatCameMeanwhile(t *testing.T) {
	folder := t.TempDir()
	name := filepath.Join(folder, "nightly.nidan")
	var won atomic.Value
	var all sync.WaitGroup
	for i := range 20 {
		file := filepath.Join(folder, ".nidan-backup-"+strconv.Itoa(i))
		if err := os.WriteFile(file, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			switch err := named(file, name); {
			case err == nil && !won.CompareAndSwap(nil, file):
				t.Error("two have one name")
			case err != nil && !strings.Contains(err.Error(), "came to be meanwhile"):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if content, err := os.ReadFile(name); err != nil || string(content) != won.Load() {
		t.Errorf("%q, %v; %v won", content, err, won.Load())
	}
}

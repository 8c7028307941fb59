package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
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

// On a file system that knows one name for a file.
func TestABackupThatCannotBeNamedLeavesNothingUnderItsName(t *testing.T) {
	folder := t.TempDir()
	name, file := filepath.Join(folder, "nightly.nidan"), filepath.Join(folder, ".nidan-backup-1")
	refused := func(string, string) error { return syscall.EPERM }
	broken := func(string, string) error { return syscall.EIO }
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	holds := func(path, want string) {
		t.Helper()
		if content, err := os.ReadFile(path); err != nil || string(content) != want {
			t.Errorf("%s: %q, %v", path, content, err)
		}
	}
	write(file, "whole")
	if err := namedBy(file, name, refused, broken); !errors.Is(err, syscall.EIO) {
		t.Errorf("%v", err)
	}
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something has the name: %v", err)
	}
	holds(file, "whole") // whoever made it removes it
	if err := namedBy(file, name, refused, os.Rename); err != nil {
		t.Error(err)
	}
	holds(name, "whole")
	write(file, "another")
	if err := namedBy(file, name, refused, broken); err == nil || !strings.Contains(err.Error(), "came to be meanwhile") {
		t.Errorf("%v", err)
	}
	holds(name, "whole")
}

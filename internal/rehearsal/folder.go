package rehearsal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A copy lies in a folder of its own among the machine's temporary files, beside a
// file of the same name that is locked as long as its process lives.
const (
	folderName = "nidan-rehearsal-"
	lockSuffix = ".lock"
)

// folder is where one copy lies.
type folder struct {
	path string
	lock *os.File
}

// newFolder makes one that only this user can look into.
func newFolder() (*folder, error) {
	for {
		lock, err := os.CreateTemp("", folderName+"*"+lockSuffix)
		if err != nil {
			return nil, fmt.Errorf("rehearsal: %w", err)
		}
		if !hold(lock) { // Sweep of another process was between the two
			_ = lock.Close()
			continue
		}
		f := &folder{strings.TrimSuffix(lock.Name(), lockSuffix), lock}
		if err := os.Mkdir(f.path, 0o700); err != nil {
			return nil, errors.Join(fmt.Errorf("rehearsal: %w", err), f.remove())
		}
		return f, nil
	}
}

// hold locks a file, if nobody else does and it is still the one of its name.
func hold(lock *os.File) bool {
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return false
	}
	mine, err := lock.Stat()
	named, errNamed := os.Lstat(lock.Name())
	return err == nil && errNamed == nil && os.SameFile(mine, named)
}

// file is where the copy itself lies.
func (f *folder) file() string { return filepath.Join(f.path, "copy.db") }

// remove removes the copy, and only then the lock: whatever breaks off in between
// is swept later.
func (f *folder) remove() error {
	err := os.RemoveAll(f.path)
	if err == nil {
		err = os.Remove(f.lock.Name())
	}
	return errors.Join(err, f.lock.Close())
}

// Sweep removes the copies of processes that died, and says how many. Those that
// another process works on stay.
func Sweep() (removed int, err error) {
	locks, err := filepath.Glob(filepath.Join(os.TempDir(), folderName+"*"+lockSuffix))
	if err != nil {
		return 0, err
	}
	for _, name := range locks {
		lock, failed := os.OpenFile(name, os.O_RDWR|syscall.O_NOFOLLOW, 0)
		if failed != nil {
			continue // another user's, or removed meanwhile
		}
		if !hold(lock) {
			_ = lock.Close()
			continue
		}
		f := folder{strings.TrimSuffix(name, lockSuffix), lock}
		if failed := f.remove(); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		removed++
	}
	return removed, err
}

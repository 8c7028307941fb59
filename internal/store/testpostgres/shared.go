package testpostgres

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// startShared returns the server of this user, starting it when it is not there
// or does not answer. Test binaries run at the same time, so one at a time looks.
func startShared() (string, error) {
	var address string
	err := withShared(func(home string) error {
		note := filepath.Join(home, "url")
		if known, err := os.ReadFile(note); err == nil && answers(string(known)) {
			address = string(known)
			return nil
		}
		dir := filepath.Join(home, "server")
		if err := Stop(dir); err != nil {
			return err
		}
		fresh, err := Start(dir)
		if err != nil {
			return err
		}
		address = fresh
		return os.WriteFile(note, []byte(fresh), 0o600)
	})
	return address, err
}

// StopShared ends the server that plain `go test` left running.
func StopShared() error {
	return withShared(func(home string) error {
		return Stop(filepath.Join(home, "server"))
	})
}

// place is where the shared server is: in memory where there is room for it, since
// each database is some hundred files, and making those on a disk is most of the work.
func place() string {
	const memory, least = "/dev/shm", 1 << 30
	var room syscall.Statfs_t
	err := syscall.Statfs(memory, &room)
	if err != nil || uint64(room.Bavail)*uint64(room.Bsize) < least || os.Getenv("TMPDIR") != "" {
		return os.TempDir()
	}
	return memory
}

// withShared runs act alone among the processes of this user.
func withShared(act func(home string) error) error {
	home := filepath.Join(place(), "nidan-testpostgres-"+strconv.Itoa(os.Getuid()))
	if err := os.Mkdir(home, 0o711); err != nil && !os.IsExist(err) {
		return fmt.Errorf("make a folder for the shared server: %w", err)
	}
	// Its name is known to all: believe only one that we made, with a URL only we wrote.
	info, err := os.Lstat(home)
	if err != nil {
		return fmt.Errorf("look at the shared server's folder: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(stat.Uid) != os.Getuid() || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s is not a folder that only this user writes: remove it", home)
	}
	if err := os.Chmod(home, 0o711); err != nil { // whatever the umask, the server's user must come through
		return fmt.Errorf("open the shared server's folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(home, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open the shared server's lock: %w", err)
	}
	defer lock.Close() // which also unlocks
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock the shared server: %w", err)
	}
	return act(home)
}

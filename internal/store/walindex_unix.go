//go:build unix

package store

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// walHeader is the first copy of the header of a WAL index, 48 bytes.
type walHeader [6]uint64

// walIndex is the beginning of a WAL index, mapped to be read.
//
// POSIX drops all locks that a process has on a file when it closes any descriptor of
// it, and SQLite's locks are on this very file. So there is one descriptor for each
// file in the process, and it is closed only after the last connection.
type walIndex struct {
	file  *os.File
	words *[6]uint64
	bytes []byte
	key   [2]uint64
	users int
}

const (
	walIndexPage    = 4096
	walIndexVersion = 3007000 // the one there is, in the machine's byte order
)

var (
	walIndexes   = map[[2]uint64]*walIndex{}
	walIndexesMu sync.Mutex
)

var errWalIndex = errors.New("not a WAL index")

func openWalIndex(path string) (*walIndex, error) {
	walIndexesMu.Lock()
	defer walIndexesMu.Unlock()
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || info.Size() < walIndexPage {
		return nil, fmt.Errorf("%s: %w", path, errWalIndex)
	}
	key := [2]uint64{uint64(stat.Dev), uint64(stat.Ino)}
	if index := walIndexes[key]; index != nil {
		index.users++
		return index, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	// From here on the descriptor stays open whatever happens, see above.
	index := &walIndex{file: file, key: key, users: 1}
	index.bytes, err = syscall.Mmap(int(file.Fd()), 0, walIndexPage, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		leaked = append(leaked, file)
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	index.words = (*[6]uint64)(unsafe.Pointer(&index.bytes[0]))
	if version := *(*uint32)(unsafe.Pointer(&index.bytes[0])); version != walIndexVersion {
		leaked = append(leaked, file)
		return nil, fmt.Errorf("%s: version %d: %w", path, version, errWalIndex)
	}
	walIndexes[key] = index
	return index, nil
}

// leaked are descriptors that must not be closed, not even by the garbage collector.
var leaked []*os.File

// read is the header as it stands. SQLite writes the second copy first and this one
// last, so a commit that others can see is always in it.
func (i *walIndex) read() (h walHeader) {
	for n := range h {
		h[n] = atomic.LoadUint64(&i.words[n])
	}
	return h
}

// release gives it back; with the last user, when no connection is left, it is closed.
// The mapping itself stays for who may still be reading.
func (i *walIndex) release(quiet bool) {
	walIndexesMu.Lock()
	defer walIndexesMu.Unlock()
	if i.users--; i.users > 0 || !quiet {
		return
	}
	delete(walIndexes, i.key)
	_ = i.file.Close() // it was only read
}

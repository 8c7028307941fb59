package secret

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// keyHeader begins each line of a key file; the key's number follows, and a colon.
const keyHeader = "nidan-key-"

// mostKeys is the highest number: it is one byte of each sealed value.
const mostKeys = 255

// file is a key file as it was read.
type file struct {
	about fs.FileInfo
	lines map[byte]*line
}

func (f *file) ids() []byte { return slices.Sorted(maps.Keys(f.lines)) }

// same says that the file has not been written since.
func (f *file) same(path string) bool {
	about, err := os.Stat(path)
	return err == nil && os.SameFile(about, f.about) && about.Size() == f.about.Size() &&
		about.ModTime().Equal(f.about.ModTime()) && about.Mode() == f.about.Mode()
}

// ReadKeys reads the key file. It refuses a file that others on the machine can read.
// Until Adopt says otherwise, its first key seals.
func ReadKeys(path string) (*Keys, error) {
	f, err := readFile(path)
	if err != nil {
		return nil, err
	}
	k := &Keys{path: path}
	first := f.ids()[0]
	k.now.Store(&ring{lines: f.lines, first: first, file: f, seals: first})
	return k, nil
}

func readFile(path string) (*file, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key file %s is readable by others (mode %04o): chmod 600 it", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	f := &file{about: info, lines: map[byte]*line{}}
	for one := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n") {
		l, err := readLine(strings.TrimSpace(one))
		if err != nil {
			return nil, fmt.Errorf("key file %s is not a Nidan key: a line for each key, %sN: and 32 bytes in base64", path, keyHeader)
		}
		if f.lines[l.id] != nil {
			return nil, fmt.Errorf("key file %s is not a Nidan key: key %d stands there twice", path, l.id)
		}
		f.lines[l.id] = l
	}
	return f, nil
}

// errLine says nothing of what stands in the line: it may be most of a key.
var errLine = errors.New("no key")

func readLine(text string) (*line, error) {
	rest, ok := strings.CutPrefix(text, keyHeader)
	number, body, colon := strings.Cut(rest, ":")
	id, errNumber := strconv.ParseUint(number, 10, 8)
	master, errBody := base64.StdEncoding.DecodeString(body)
	if !ok || !colon || errNumber != nil || id == 0 || number != strconv.FormatUint(id, 10) || errBody != nil || len(master) != 32 {
		return nil, errLine
	}
	return newLine(byte(id), master)
}

func lineText(id byte, master []byte) string {
	return keyHeader + strconv.Itoa(int(id)) + ":" + base64.StdEncoding.EncodeToString(master) + "\n"
}

// CreateKeys writes a new key file, readable by its owner alone. It never overwrites one.
func CreateKeys(path string) (*Keys, error) {
	master := Bytes(32)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("key file %s is there already", path)
	}
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	_, err = out.WriteString(lineText(First, master))
	err = errors.Join(err, out.Sync(), out.Close(), syncFolder(filepath.Dir(path)))
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	return ReadKeys(path)
}

// AddKey writes a new key into the key file, beside those that stand there, and
// answers its number, which is above used. One above used that stands there already is
// answered instead: its add was broken off. Who reads the file meanwhile finds the old
// or the new one.
func AddKey(path string, used byte) (id byte, made bool, err error) {
	err = rewrite(path, func(f *file, text string) (string, error) {
		for _, there := range f.ids() {
			if there > used {
				id, made = there, false
				return text, nil
			}
		}
		if used == mostKeys {
			return "", fmt.Errorf("key %d is the last that there can be", mostKeys)
		}
		id, made = used+1, true
		return strings.TrimSpace(text) + "\n" + lineText(id, Bytes(32)), nil
	})
	return id, made, err
}

// RemoveKey takes a key's line out of the key file. The last one stays.
func RemoveKey(path string, id byte) error {
	return rewrite(path, func(f *file, text string) (string, error) {
		if f.lines[id] == nil {
			return text, nil
		}
		if len(f.lines) == 1 {
			return "", fmt.Errorf("key %d is the only one in %s", id, path)
		}
		var kept strings.Builder
		for one := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
			if l, err := readLine(strings.TrimSpace(one)); err == nil && l.id != id {
				kept.WriteString(strings.TrimSpace(one) + "\n")
			}
		}
		return kept.String(), nil
	})
}

// rewrite puts another text into a key file's place: whole, on the disk, of the same
// owner. A lock on the folder, which ends with this process, keeps two from it at once.
func rewrite(path string, change func(f *file, text string) (string, error)) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	defer folder.Close()
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	f, err := readFile(path)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	text, err := change(f, string(old))
	if err != nil || text == string(old) {
		return err
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), tempName)) // of one that was killed: it holds the lock no more
	for _, name := range left {
		_ = os.Remove(name)
	}
	if err := replace(path, text, f.about); err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	return folder.Sync()
}

const tempName = ".nidan-key-*"

func replace(path, text string, about fs.FileInfo) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), tempName) // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name())
		}
	}()
	_, err = temp.WriteString(text)
	if owner, ok := about.Sys().(*syscall.Stat_t); ok && err == nil && int(owner.Uid) != os.Geteuid() {
		err = temp.Chown(int(owner.Uid), int(owner.Gid)) // or the portal could not read it any more
	}
	if err = errors.Join(err, temp.Chmod(about.Mode().Perm()), temp.Sync(), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

package secret

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// keyFile is a key file with key 1 of master, and what reads it.
func keyFile(t *testing.T, lines ...string) (string, *Keys) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	k, err := ReadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, k
}

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestANewKeyIsReadWithoutARestartAndSealsOnceItIsAdopted(t *testing.T) {
	path, k := keyFile(t, lineText(1, []byte(master)))
	old := k.Seal(ForTOTP, "row", []byte("plain"))
	id, made, err := AddKey(path, 1)
	if err != nil || id != 2 || !made {
		t.Fatalf("key %d, made %v, %v", id, made, err)
	}
	if held := k.Held(); !slices.Equal(held, []byte{1}) {
		t.Errorf("before it is read again it holds %v", held)
	}
	other, err := ReadKeys(path)
	must(t, err)
	must(t, other.Adopt(2, nil, nil))
	sealed := other.Seal(ForTOTP, "row", []byte("new"))
	if sealed[0] != 2 || old[0] != 1 {
		t.Errorf("sealed with %d and %d", sealed[0], old[0])
	}
	// What another node has sealed makes this one look into its file.
	if got, err := k.Open(ForTOTP, "row", sealed); err != nil || string(got) != "new" {
		t.Errorf("%q, %v", got, err)
	}
	if k.Seals() != 1 || k.Seal(ForTOTP, "row", nil)[0] != 1 {
		t.Error("it seals with the new key, though nobody told it")
	}
	fresh, err := other.Reseal(ForTOTP, "row", old)
	must(t, err)
	if got, err := k.Open(ForTOTP, "row", fresh); err != nil || string(got) != "plain" || fresh[0] != 2 {
		t.Errorf("%q, %v", got, err)
	}
	for name, wrong := range map[string]func() ([]byte, error){
		"another row":     func() ([]byte, error) { return other.Reseal(ForTOTP, "other", old) },
		"another purpose": func() ([]byte, error) { return other.Reseal(ForMail, "row", old) },
		"nothing":         func() ([]byte, error) { return other.Reseal(ForTOTP, "row", nil) },
		"an unknown key":  func() ([]byte, error) { return other.Reseal(ForTOTP, "row", append([]byte{9}, old[1:]...)) },
		"another's key":   func() ([]byte, error) { return other.Reseal(ForTOTP, "row", append([]byte{2}, old[1:]...)) },
	} {
		if got, err := wrong(); !errors.Is(err, ErrKey) || got != nil {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
}

func TestARetiredKeyOpensNothingAndKnowsNothingAgain(t *testing.T) {
	_, k := keyFile(t, lineText(1, []byte(master)), lineText(2, []byte(other)))
	sealed, code := k.Seal(ForTOTP, "row", []byte("plain")), k.Digest(ForCode, "123")
	digests, err := k.SealDigests(2)
	must(t, err)
	must(t, k.Adopt(2, digests, nil))
	if !EqualAny(code, k.Digests(ForCode, "123")) || bytes.Equal(code, k.Digest(ForCode, "123")) {
		t.Error("a code of the key before is not known again, or the new key makes the same")
	}
	if _, err := k.Open(ForTOTP, "row", sealed); err != nil {
		t.Error(err)
	}
	must(t, k.Adopt(2, digests, []byte{1}))
	if _, err := k.Open(ForTOTP, "row", sealed); !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), "key 1, which is retired") {
		t.Error(err)
	}
	if EqualAny(code, k.Digests(ForCode, "123")) {
		t.Error("a code of a retired key is known again")
	}
	if _, err := k.Reseal(ForTOTP, "row", sealed); err != nil {
		t.Errorf("what was left behind cannot be mended: %v", err)
	}
}

func TestNoRotationChangesADigestThatLasts(t *testing.T) {
	_, first := keyFile(t, lineText(1, []byte(master)))
	_, k := keyFile(t, lineText(1, []byte(master)), lineText(2, []byte(other)))
	digests, err := k.SealDigests(2)
	must(t, err)
	must(t, k.Adopt(2, digests, nil))
	third := strings.Repeat("3", 32)
	_, alone := keyFile(t, lineText(2, []byte(other)), lineText(3, []byte(third)))
	must(t, alone.Adopt(2, digests, []byte{1}))
	again, err := alone.SealDigests(3)
	must(t, err)
	_, last := keyFile(t, lineText(3, []byte(third)))
	must(t, last.Adopt(3, again, []byte{1, 2}))
	short := map[Purpose]bool{ForCode: true, ForPass: true, ForBounce: true, ForReply: true}
	for _, purpose := range []Purpose{ForAddress, ForAudit, ForKey, ForForm, ForCode, ForPass, ForBounce, ForReply} {
		want := first.Digest(purpose, "x")
		for name, keys := range map[string]*Keys{"beside the first": k, "without it": alone, "two keys later": last} {
			if same := bytes.Equal(keys.Digest(purpose, "x"), want); same == short[purpose] {
				t.Errorf("%s, %s: the same digest: %v", name, purpose, same)
			}
		}
	}
	// What the database keeps of them opens with no older key, and holds no key of the file.
	if err := first.Adopt(1, digests, nil); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
	plain, err := last.now.Load().lines[3].open(ForDigests, lastingRow, again)
	must(t, err)
	for _, key := range []string{master, other, third} {
		if bytes.Contains(plain, []byte(key)) {
			t.Error("a key of the file stands in the database")
		}
	}
	if want := keys(t, master).Digest(ForForm, "x"); !bytes.Equal(want, digest(keys(t, master).now.Load().lines[1].expand("mac "+string(ForReply)), []string{"x"})) {
		t.Error("a form is known again otherwise than before there was more than one key")
	}
	for name, bad := range map[string][]byte{"cut": digests[:len(digests)-1], "of another key": append([]byte{3}, digests[1:]...)} {
		if err := k.Adopt(2, bad, nil); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := k.Adopt(7, digests, nil); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
}

func TestAKeyFileIsChangedWholeByItsOwnerAloneAndByOneAtATime(t *testing.T) {
	path, k := keyFile(t, lineText(1, []byte(master)))
	must(t, os.Chmod(path, 0o400))
	link := path + "-link"
	must(t, os.Symlink(path, link))
	must(t, os.WriteFile(filepath.Join(filepath.Dir(path), ".nidan-key-123"), []byte("of one that was killed"), 0o600))
	var all sync.WaitGroup
	made := make([]bool, 8)
	for i := range made {
		all.Go(func() {
			id, one, err := AddKey(link, 1)
			if made[i] = one; id != 2 || err != nil {
				t.Errorf("key %d, %v", id, err)
			}
		})
	}
	all.Wait()
	if n := len(slices.DeleteFunc(made, func(one bool) bool { return !one })); n != 1 {
		t.Errorf("%d of many at once made a key", n)
	}
	if !strings.HasPrefix(text(t, path), lineText(1, []byte(master))+"nidan-key-2:") {
		t.Error("the file is not the old line and a new one")
	}
	info, err := os.Lstat(link)
	must(t, err)
	if about, err := os.Stat(path); err != nil || about.Mode().Perm() != 0o400 || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("mode %v, link %v, %v", about.Mode(), info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".nidan-key-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	must(t, k.Again())
	if k.Check(2) == nil || bytes.Equal(k.Check(1), k.Check(2)) || k.Check(3) != nil || !bytes.Equal(k.Check(1), k.Digest(ForKey, "portal")) {
		t.Error("a key is not known again by its own check")
	}
	must(t, RemoveKey(path, 1))
	must(t, RemoveKey(path, 1))
	if err := RemoveKey(path, 2); err == nil {
		t.Error("the last key was taken out")
	}
	if !strings.HasPrefix(text(t, path), "nidan-key-2:") || strings.Count(text(t, path), "\n") != 1 {
		t.Error("another line than the second is left")
	}
	must(t, k.Again())
	if !slices.Equal(k.Held(), []byte{2}) || k.Check(1) == nil {
		t.Errorf("held %v", k.Held())
	}
	if _, _, err := AddKey(path, 255); err == nil {
		t.Error("a number above 255 was given")
	}
}

func TestAFileWithAnotherKeyUnderANumberIsNotTaken(t *testing.T) {
	path, k := keyFile(t, lineText(1, []byte(master)))
	want := k.Digest(ForCode, "x")
	for name, bad := range map[string]string{
		"another key": lineText(1, []byte(other)), "nothing": "", "half a line": lineText(1, []byte(master))[:20],
		"another beside": lineText(1, []byte(other)) + lineText(2, []byte(other)),
	} {
		must(t, os.WriteFile(path, []byte(bad), 0o600))
		if err := k.Again(); err == nil {
			t.Errorf("%s: taken", name)
		}
		if !bytes.Equal(k.Digest(ForCode, "x"), want) || k.Check(2) != nil {
			t.Errorf("%s: the keys are others", name)
		}
	}
	must(t, os.Remove(path))
	if err := k.Again(); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	must(t, os.WriteFile(path, []byte(lineText(1, []byte(master))), 0o644))
	if err := k.Again(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Error(err)
	}
	must(t, os.Chmod(path, 0o600))
	must(t, k.Again())
}

package secret

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func keys(t testing.TB, master string) *Keys {
	t.Helper()
	k, err := NewKeys([]byte(master))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

const (
	master = "0123456789abcdef0123456789abcdef"
	other  = "0123456789abcdef0123456789abcdeg"
)

func TestASealedValueOpensForItsPurposeRowAndKeyAlone(t *testing.T) {
	k := keys(t, master)
	plain := []byte("GEZDGNBVGY3TQOJQ")
	sealed := k.Seal(ForTOTP, "totp/yamada/suzuki", plain)
	if got, err := keys(t, master).Open(ForTOTP, "totp/yamada/suzuki", sealed); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%q, %v", got, err)
	}
	if bytes.Contains(sealed, plain) {
		t.Error("the value is in the open")
	}
	for name, open := range map[string]func() ([]byte, error){
		"another row":     func() ([]byte, error) { return k.Open(ForTOTP, "totp/yamada/tanaka", sealed) },
		"no row":          func() ([]byte, error) { return k.Open(ForTOTP, "", sealed) },
		"another purpose": func() ([]byte, error) { return k.Open(ForMail, "totp/yamada/suzuki", sealed) },
		"another key":     func() ([]byte, error) { return keys(t, other).Open(ForTOTP, "totp/yamada/suzuki", sealed) },
		"nothing":         func() ([]byte, error) { return k.Open(ForTOTP, "totp/yamada/suzuki", nil) },
		"only its mark":   func() ([]byte, error) { return k.Open(ForTOTP, "totp/yamada/suzuki", sealed[:1]) },
		"cut short":       func() ([]byte, error) { return k.Open(ForTOTP, "totp/yamada/suzuki", sealed[:len(sealed)-1]) },
		"with more":       func() ([]byte, error) { return k.Open(ForTOTP, "totp/yamada/suzuki", append(bytes.Clone(sealed), 0)) },
		"the plain value": func() ([]byte, error) { return k.Open(ForTOTP, "totp/yamada/suzuki", plain) },
	} {
		if got, err := open(); !errors.Is(err, ErrKey) || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestEachBitOfASealedValueIsKept(t *testing.T) {
	k := keys(t, master)
	sealed := k.Seal(ForMail, "row", []byte("text"))
	for i := range 8 * len(sealed) {
		changed := bytes.Clone(sealed)
		changed[i/8] ^= 1 << (i % 8)
		if _, err := k.Open(ForMail, "row", changed); !errors.Is(err, ErrKey) {
			t.Errorf("bit %d changed: %v", i, err)
		}
	}
}

func TestWhateverIsSealedComesBackAndNeverLooksTheSame(t *testing.T) {
	k := keys(t, master)
	rapid.Check(t, func(t *rapid.T) {
		plain, row := rapid.SliceOf(rapid.Byte()).Draw(t, "plain"), rapid.String().Draw(t, "row")
		first, second := k.Seal(ForReset, row, plain), k.Seal(ForReset, row, plain)
		if bytes.Equal(first, second) {
			t.Error("two seals of one value are equal")
		}
		if got, err := k.Open(ForReset, row, first); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestADigestIsOfItsPurposeItsKeyAndEachPart(t *testing.T) {
	k := keys(t, master)
	seen := map[string]string{}
	for name, digest := range map[string][]byte{
		"one part":        k.Digest(ForCode, "ab"),
		"two parts":       k.Digest(ForCode, "a", "b"),
		"the other cut":   k.Digest(ForCode, "", "ab"),
		"an empty part":   k.Digest(ForCode, "ab", ""),
		"no parts":        k.Digest(ForCode),
		"one empty part":  k.Digest(ForCode, ""),
		"another purpose": k.Digest(ForAddress, "ab"),
		"another key":     keys(t, other).Digest(ForCode, "ab"),
	} {
		if same, ok := seen[string(digest)]; ok || len(digest) != 32 {
			t.Errorf("%s and %s: %x", name, same, digest)
		}
		seen[string(digest)] = name
	}
	if !bytes.Equal(k.Digest(ForCode, "a", "b"), keys(t, master).Digest(ForCode, "a", "b")) {
		t.Error("the same parts have two digests")
	}
}

func TestKeysAreDerivedByManyAtOnce(t *testing.T) {
	k := keys(t, master)
	want := keys(t, master).Digest(ForAudit, "x")
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if !bytes.Equal(k.Digest(ForAudit, "x"), want) {
				t.Error("another digest")
			}
		})
	}
	all.Wait()
}

func TestAMasterKeyHasThirtyTwoBytes(t *testing.T) {
	for _, n := range []int{0, 16, 31, 33, 64} {
		if k, err := NewKeys(make([]byte, n)); err == nil || k != nil {
			t.Errorf("%d bytes are taken", n)
		}
	}
}

func TestANewKeyFileIsItsOwnersAloneAndNeverOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "key")
	made, err := CreateKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %04o, %v", filepath.Base(name), info.Mode().Perm(), err)
		}
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CreateKeys(path); err == nil || !strings.Contains(err.Error(), "there already") {
		t.Errorf("a second time: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the key file was written over, %v", err)
	}
	read, err := ReadKeys(path)
	if err != nil || !bytes.Equal(read.Digest(ForKey, "x"), made.Digest(ForKey, "x")) {
		t.Errorf("read back it is another key, %v", err)
	}
	if next, err := CreateKeys(path + "2"); err != nil || bytes.Equal(next.Digest(ForKey, "x"), made.Digest(ForKey, "x")) {
		t.Errorf("two new files hold one key, %v", err)
	}
}

func TestAKeyFileThatOthersMayReadOrThatIsNoneIsRefused(t *testing.T) {
	text, second := lineText(1, []byte(master)), lineText(2, []byte(other))
	short := lineText(1, []byte(master[1:]))
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		said string // empty: it is taken
	}{
		"as made":            {text, 0o600, ""},
		"read only":          {text, 0o400, ""},
		"with blanks around": {"\n " + text + "\n", 0o600, ""},
		"group may read":     {text, 0o640, "chmod 600"},
		"others may read":    {text, 0o604, "chmod 600"},
		"others may write":   {text, 0o602, "chmod 600"},
		"everybody":          {text, 0o777, "chmod 600"},
		"empty":              {"", 0o600, "not a Nidan key"},
		"31 bytes":           {short, 0o600, "not a Nidan key"},
		"two keys":           {text + second, 0o600, ""},
		"the second alone":   {second, 0o600, ""},
		"in another order":   {second + "\n" + text, 0o600, "not a Nidan key"}, // with an empty line
		"the last number":    {lineText(255, []byte(master)), 0o600, ""},
		"a number too high":  {strings.Replace(text, "1:", "256:", 1), 0o600, "not a Nidan key"},
		"number zero":        {strings.Replace(text, "1:", "0:", 1), 0o600, "not a Nidan key"},
		"a number with zero": {strings.Replace(text, "1:", "01:", 1), 0o600, "not a Nidan key"},
		"no number":          {strings.Replace(text, "1:", ":", 1), 0o600, "not a Nidan key"},
		"another header":     {strings.Replace(text, "nidan-key", "other-key", 1), 0o600, "not a Nidan key"},
		"no header":          {base64.StdEncoding.EncodeToString([]byte(master)), 0o600, "not a Nidan key"},
		"the bytes as such":  {keyHeader + "1:" + master, 0o600, "not a Nidan key"},
		"one key twice":      {text + text, 0o600, "key 1 stands there twice"},
		"two under a number": {text + lineText(1, []byte(other)), 0o600, "key 1 stands there twice"},
		"something after it": {strings.TrimSpace(text) + " # mine", 0o600, "not a Nidan key"},
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		k, err := ReadKeys(path)
		switch {
		case c.said == "" && err != nil, c.said != "" && (err == nil || !strings.Contains(err.Error(), c.said)):
			t.Errorf("%s: %v", name, err)
		case c.said != "" && k != nil:
			t.Errorf("%s: keys beside the error", name)
		}
		if err != nil && (strings.Contains(err.Error(), master) || strings.Contains(err.Error(), base64.StdEncoding.EncodeToString([]byte(master)))) {
			t.Errorf("%s: the error holds the key: %v", name, err)
		}
	}
	if _, err := ReadKeys(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Purpose separates the uses of the master key: a value sealed or digested for
// one purpose says nothing to another.
type Purpose string

// The purposes in use.
const (
	ForTOTP    Purpose = "totp secret"
	ForMail    Purpose = "mail body"
	ForCode    Purpose = "mail code"
	ForAddress Purpose = "mail address"
	ForAudit   Purpose = "audit chain"
	ForReset   Purpose = "password kept aside"
	ForKey     Purpose = "key check"
	ForPass    Purpose = "pass code"
	ForBounce  Purpose = "bounce address"
	ForOld     Purpose = "password of another system"
	ForImport  Purpose = "import file"
	ForReply   Purpose = "ticket reply address"
)

const keyHeader = "nidan-key-1:"

// Keys derives every key the portal uses from the one in the key file. The zero
// Keys is not usable.
type Keys struct {
	master [32]byte
	mu     sync.Mutex
	made   map[Purpose]derived
}

type derived struct {
	mac  []byte
	seal cipher.AEAD
}

// ErrKey means that a sealed value does not open: another key, another row, or damage.
var ErrKey = errors.New("a sealed value does not open with this key file")

// NewKeys makes keys from 32 bytes of master secret.
func NewKeys(master []byte) (*Keys, error) {
	if len(master) != 32 {
		return nil, fmt.Errorf("a master key has 32 bytes, not %d", len(master))
	}
	k := &Keys{made: map[Purpose]derived{}}
	copy(k.master[:], master)
	return k, nil
}

// ReadKeys reads the key file. It refuses a file that others on the machine can read.
func ReadKeys(path string) (*Keys, error) {
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
	body, ok := strings.CutPrefix(strings.TrimSpace(string(text)), keyHeader)
	master, err := base64.StdEncoding.DecodeString(body)
	if !ok || err != nil || len(master) != 32 {
		return nil, fmt.Errorf("key file %s is not a Nidan key: one line, %s and 32 bytes in base64", path, keyHeader)
	}
	return NewKeys(master)
}

// CreateKeys writes a new key file, readable by its owner alone. It never overwrites one.
func CreateKeys(path string) (*Keys, error) {
	master := Bytes(32)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("key file %s is there already", path)
	}
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	_, err = fmt.Fprintf(file, "%s%s\n", keyHeader, base64.StdEncoding.EncodeToString(master))
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	return NewKeys(master)
}

// Digest is an HMAC-SHA256 over the parts, each with its length, so that no two
// lists of parts share a digest.
func (k *Keys) Digest(purpose Purpose, parts ...string) []byte {
	mac := hmac.New(sha256.New, k.derive(purpose).mac)
	var size [8]byte
	for _, part := range parts {
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		mac.Write(size[:])
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}

// keyID stands first in each sealed value, for a later change of the key file.
const keyID = 1

// Seal hides plain (AES-256-GCM, random nonce). row is the identity of the row it
// stands in: a value moved to another row does not open.
func (k *Keys) Seal(purpose Purpose, row string, plain []byte) []byte {
	return k.derive(purpose).seal.Seal([]byte{keyID}, nil, plain, []byte(row))
}

// Open is the reverse of Seal.
func (k *Keys) Open(purpose Purpose, row string, sealed []byte) ([]byte, error) {
	if len(sealed) < 1 || sealed[0] != keyID {
		return nil, ErrKey
	}
	plain, err := k.derive(purpose).seal.Open(nil, nil, sealed[1:], []byte(row))
	if err != nil {
		return nil, ErrKey
	}
	return plain, nil
}

func (k *Keys) derive(purpose Purpose) derived {
	k.mu.Lock()
	defer k.mu.Unlock()
	if d, ok := k.made[purpose]; ok {
		return d
	}
	d := derived{mac: k.expand("mac " + string(purpose))}
	block, err := aes.NewCipher(k.expand("seal " + string(purpose)))
	if err == nil {
		d.seal, err = cipher.NewGCMWithRandomNonce(block)
	}
	if err != nil {
		panic("secret: AES-256-GCM is not available: " + err.Error())
	}
	k.made[purpose] = d
	return d
}

func (k *Keys) expand(info string) []byte {
	key, err := hkdf.Key(sha256.New, k.master[:], nil, "nidan "+info, 32)
	if err != nil {
		panic("secret: HKDF failed: " + err.Error())
	}
	return key
}

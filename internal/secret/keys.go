package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// Keys are the keys of the key file and all that is derived from them. One seals;
// each opens what it has sealed. The zero Keys is not usable.
type Keys struct {
	path string // empty: they were made of bytes, and no file is read again
	mu   sync.Mutex
	now  atomic.Pointer[ring]
}

// ring is the keys at one moment. It is never changed, only replaced.
type ring struct {
	lines   map[byte]*line
	first   byte  // of the lines
	file    *file // as it was last read
	seals   byte
	retired []byte
	lasting map[Purpose][]byte // nil: those of the first key
}

// ErrKey means that a sealed value does not open: another key, another row, or damage.
var ErrKey = errors.New("a sealed value does not open with this key file")

// NewKeys makes keys from 32 bytes of master secret, as key 1.
func NewKeys(master []byte) (*Keys, error) {
	l, err := newLine(First, master)
	if err != nil {
		return nil, err
	}
	k := &Keys{}
	k.now.Store(&ring{lines: map[byte]*line{First: l}, first: First, seals: First})
	return k, nil
}

// First is the key that a portal begins with.
const First byte = 1

// Digest is an HMAC-SHA256 over the parts, each with its length, so that no two
// lists of parts share a digest. One that lasts is always the same; any other is of
// the key that seals, and Digests knows it again.
func (k *Keys) Digest(purpose Purpose, parts ...string) []byte {
	now := k.now.Load()
	if !slices.Contains(lasting, purpose) {
		return digest(now.lines[now.seals].derive(purpose).mac, parts)
	}
	if now.lasting == nil {
		return digest(now.lines[now.first].derive(purpose).mac, parts)
	}
	return digest(now.lasting[purpose], parts)
}

// Digests are what Digest may have answered before: with the key that seals first,
// then with each other that is not retired.
func (k *Keys) Digests(purpose Purpose, parts ...string) [][]byte {
	all := [][]byte{k.Digest(purpose, parts...)}
	if slices.Contains(lasting, purpose) {
		return all
	}
	now := k.now.Load()
	for _, id := range slices.Backward(now.ids()) {
		if id != now.seals && !slices.Contains(now.retired, id) {
			all = append(all, digest(now.lines[id].derive(purpose).mac, parts))
		}
	}
	return all
}

func digest(key []byte, parts []string) []byte {
	mac := hmac.New(sha256.New, key)
	var size [8]byte
	for _, part := range parts {
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		mac.Write(size[:])
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}

// Seal hides plain (AES-256-GCM, random nonce). row is the identity of the row it
// stands in: a value moved to another row does not open.
func (k *Keys) Seal(purpose Purpose, row string, plain []byte) []byte {
	now := k.now.Load()
	return now.lines[now.seals].seal(purpose, row, plain)
}

// Open is the reverse of Seal. A key that is not known yet may stand in the file
// since it was last read.
func (k *Keys) Open(purpose Purpose, row string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, ErrKey
	}
	now := k.now.Load()
	if now.lines[sealed[0]] == nil && k.Again() == nil {
		now = k.now.Load()
	}
	switch l := now.lines[sealed[0]]; {
	case l == nil:
		return nil, fmt.Errorf("%w: it was sealed with key %d", ErrKey, sealed[0])
	case slices.Contains(now.retired, sealed[0]):
		return nil, fmt.Errorf("%w: it was sealed with key %d, which is retired", ErrKey, sealed[0])
	default:
		return l.open(purpose, row, sealed)
	}
}

// Reseal seals a value anew with the key that seals. It opens with every key of the
// file, retired ones too.
func (k *Keys) Reseal(purpose Purpose, row string, sealed []byte) ([]byte, error) {
	now := k.now.Load()
	if len(sealed) == 0 || now.lines[sealed[0]] == nil {
		return nil, ErrKey
	}
	plain, err := now.lines[sealed[0]].open(purpose, row, sealed)
	if err != nil {
		return nil, err
	}
	return now.lines[now.seals].seal(purpose, row, plain), nil
}

// Seals is the number of the key that seals.
func (k *Keys) Seals() byte { return k.now.Load().seals }

// Held are the numbers of the keys that the file held when it was last read.
func (k *Keys) Held() []byte {
	now := k.now.Load()
	if now.file == nil {
		return now.ids()
	}
	return now.file.ids()
}

// Check knows one key again and tells nothing of it; nil for a key that is not there.
func (k *Keys) Check(id byte) []byte {
	l := k.now.Load().lines[id]
	if l == nil {
		return nil
	}
	return digest(l.derive(ForKey).mac, []string{"portal"})
}

// lastingRow is what the keys of lasting digests are sealed to.
const lastingRow = "digests"

// SealDigests are the keys of lasting digests, sealed with one of the keys.
func (k *Keys) SealDigests(id byte) ([]byte, error) {
	now := k.now.Load()
	if now.lines[id] == nil {
		return nil, fmt.Errorf("%w: key %d is not there", ErrKey, id)
	}
	keys := now.lasting
	if keys == nil {
		keys = map[Purpose][]byte{}
		for _, purpose := range lasting {
			keys[purpose] = now.lines[now.first].derive(purpose).mac
		}
	}
	plain, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	return now.lines[id].seal(ForDigests, lastingRow, plain), nil
}

// Adopt has one key seal from here on, as the database says: with the keys of lasting
// digests as they stand there, and without the keys that are retired. digests are
// empty as long as no other key than the first has ever sealed.
func (k *Keys) Adopt(seals byte, digests []byte, retired []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := *k.now.Load()
	next.seals, next.retired, next.lasting = seals, retired, nil
	if next.lines[seals] == nil {
		return fmt.Errorf("%w: key %d, which seals, is not there", ErrKey, seals)
	}
	if len(digests) > 0 {
		l := next.lines[digests[0]]
		if l == nil {
			return fmt.Errorf("%w: key %d is not there", ErrKey, digests[0])
		}
		plain, err := l.open(ForDigests, lastingRow, digests)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(plain, &next.lasting); err != nil {
			return fmt.Errorf("keys of digests: %w", err)
		}
		for _, purpose := range lasting {
			if len(next.lasting[purpose]) != 32 {
				return fmt.Errorf("keys of digests: the one for %q is missing: a newer nidan is needed", purpose)
			}
		}
	}
	k.now.Store(&next)
	return nil
}

// Again reads the key file, if it is another than it was. Keys that are gone from it
// stay known to this process until it ends; a key whose number now has other bytes is
// an error, and nothing of that file is taken.
func (k *Keys) Again() error {
	if k.path == "" {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now.Load()
	if now.file.same(k.path) {
		return nil
	}
	f, err := readFile(k.path)
	if err != nil {
		return err
	}
	next := *now
	next.file, next.lines = f, maps.Clone(now.lines)
	for id, l := range f.lines {
		if known := next.lines[id]; known != nil && known.master != l.master {
			return fmt.Errorf("key file %s: key %d is another than it was", k.path, id)
		} else if known == nil {
			next.lines[id] = l
		}
	}
	next.first = next.ids()[0]
	k.now.Store(&next)
	return nil
}

func (r *ring) ids() []byte { return slices.Sorted(maps.Keys(r.lines)) }

package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"sync"
)

// line is one key of the file, with what was derived from it.
type line struct {
	id     byte
	master [32]byte
	mu     sync.Mutex
	made   map[Purpose]derived
}

type derived struct {
	mac  []byte
	seal cipher.AEAD
}

func newLine(id byte, master []byte) (*line, error) {
	if len(master) != 32 {
		return nil, fmt.Errorf("a master key has 32 bytes, not %d", len(master))
	}
	l := &line{id: id, made: map[Purpose]derived{}}
	copy(l.master[:], master)
	return l, nil
}

// seal begins a sealed value with the number of its key.
func (l *line) seal(purpose Purpose, row string, plain []byte) []byte {
	return l.derive(purpose).seal.Seal([]byte{l.id}, nil, plain, []byte(row))
}

func (l *line) open(purpose Purpose, row string, sealed []byte) ([]byte, error) {
	plain, err := l.derive(purpose).seal.Open(nil, nil, sealed[1:], []byte(row))
	if err != nil {
		return nil, ErrKey
	}
	return plain, nil
}

func (l *line) derive(purpose Purpose) derived {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d, ok := l.made[purpose]; ok {
		return d
	}
	d := derived{mac: l.expand(purpose.macName())}
	block, err := aes.NewCipher(l.expand("seal " + string(purpose)))
	if err == nil {
		d.seal, err = cipher.NewGCMWithRandomNonce(block)
	}
	if err != nil {
		panic("secret: AES-256-GCM is not available: " + err.Error())
	}
	l.made[purpose] = d
	return d
}

func (l *line) expand(info string) []byte {
	key, err := hkdf.Key(sha256.New, l.master[:], nil, "nidan "+info, 32)
	if err != nil {
		panic("secret: HKDF failed: " + err.Error())
	}
	return key
}

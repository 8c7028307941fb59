package password

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// What a stored Argon2id value may ask for. The store is not trusted with the server's memory and time: a
// careless import, or whoever can write one row, must not stop the portal with a value that asks for terabytes.
const (
	mostMemoryKiB = 256 * 1024
	mostPasses    = 10
	mostLanes     = 16
	leastSalt     = 8  // RFC 9106, section 3.1
	leastKey      = 16 // shorter ones are guessed by chance
	mostBytes     = 64 // of salt and of key
)

// argonHash is an Argon2id value: $argon2id$v=19$m=47104,t=1,p=1$salt$key, the last two in base64 without
// padding (the PHC string format).
type argonHash struct {
	cost      Cost
	salt, key []byte
}

func (h argonHash) String() string {
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s",
		h.cost.MemoryKiB, h.cost.Passes, h.cost.Lanes, encode(h.salt), encode(h.key))
}

// readArgon accepts only the canonical spelling, so that a value read and written again is the same.
func readArgon(stored string) (reading, error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != "v=19" {
		return reading{}, unreadable("argon2id", "shape or version")
	}
	cost, err := readCost(parts[3])
	if err != nil {
		return reading{}, err
	}
	h := argonHash{cost: cost}
	if h.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4]); err != nil {
		return reading{}, unreadable("argon2id", "salt is not base64")
	}
	if h.key, err = base64.RawStdEncoding.Strict().DecodeString(parts[5]); err != nil {
		return reading{}, unreadable("argon2id", "key is not base64")
	}
	if !within(len(h.salt), leastSalt, mostBytes) || !within(len(h.key), leastKey, mostBytes) {
		return reading{}, unreadable("argon2id", "length of salt or key")
	}
	return reading{format: "argon2id", memory: cost.memory(), argon: &h}, nil
}

func readCost(text string) (Cost, error) {
	values, ok := readNamed(text, "m", "t", "p")
	if !ok {
		return Cost{}, unreadable("argon2id", "parameters")
	}
	if values[0] > mostMemoryKiB || values[1] > mostPasses || values[2] > mostLanes {
		return Cost{}, unreadable("argon2id", "parameters beyond the limits")
	}
	cost := Cost{MemoryKiB: uint32(values[0]), Passes: uint32(values[1]), Lanes: uint8(values[2])}
	return cost, cost.check()
}

// check holds for every cost this portal computes with. Argon2 itself wants 8 KiB for each lane (RFC 9106).
func (c Cost) check() error {
	if c.MemoryKiB > mostMemoryKiB || c.Passes < 1 || c.Passes > mostPasses ||
		c.Lanes < 1 || c.Lanes > mostLanes || c.MemoryKiB < 8*uint32(c.Lanes) {
		return unreadable("argon2id", "parameters beyond the limits")
	}
	return nil
}

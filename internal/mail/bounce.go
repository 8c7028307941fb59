package mail

import (
	"encoding/base32"
	"errors"
	"strings"

	"github.com/google/uuid"

	"nidan/internal/secret"
)

// Bounces makes and knows again the address that each letter carries as its
// envelope sender: local+ID.DIGEST@domain. The digest keeps strangers from making
// up bounces. Make it with NewBounces.
type Bounces struct {
	keys          *secret.Keys
	local, domain string
}

// longLocal is how long the part before the plus may be: the whole has at most 64
// characters (RFC 5321 §4.5.3.1.1).
const longLocal = 64 - len("+") - idLength - len(".") - digestLength

const (
	idLength     = 26 // 16 bytes
	digestBytes  = 8
	digestLength = 13 // of digestBytes
)

// ErrBounceAddress means that an address leaves no place for a letter's id.
var ErrBounceAddress = errors.New("the address for bounces needs a part before the @ of at most 23 characters without +")

// NewBounces takes the address whose plus-addresses (RFC 5233) bounces come back to.
func NewBounces(keys *secret.Keys, address string) (*Bounces, error) {
	if err := Addressable(address); err != nil {
		return nil, err
	}
	local, domain, _ := strings.Cut(address, "@")
	if len(local) > longLocal || strings.Contains(local, "+") {
		return nil, ErrBounceAddress
	}
	return &Bounces{keys: keys, local: strings.ToLower(local), domain: strings.ToLower(domain)}, nil
}

// small letters and digits: what carries a local part may change its case.
var base = base32.StdEncoding.WithPadding(base32.NoPadding)

func written(b []byte) string { return strings.ToLower(base.EncodeToString(b)) }

// Address is where a bounce of a letter goes; empty where the id is none of ours.
func (b *Bounces) Address(id string) string {
	raw, err := uuid.Parse(id)
	if err != nil {
		return ""
	}
	return b.local + "+" + written(raw[:]) + "." + written(b.digest(id)) + "@" + b.domain
}

func (b *Bounces) digest(id string) []byte { return b.keys.Digest(secret.ForBounce, id)[:digestBytes] }

// isDigest says whether a letter of ours has that digest: also one that was sent
// before another key came to seal.
func (b *Bounces) isDigest(digest []byte, id string) bool {
	known := b.keys.Digests(secret.ForBounce, id)
	for i := range known {
		known[i] = known[i][:digestBytes]
	}
	return secret.EqualAny(digest, known)
}

// Letter is the id of the letter an address was made for; false for all others.
func (b *Bounces) Letter(address string) (id string, ok bool) {
	if len(address) > 320 {
		return "", false
	}
	local, domain, _ := strings.Cut(strings.ToLower(address), "@")
	name, rest, _ := strings.Cut(local, "+")
	first, second, _ := strings.Cut(rest, ".")
	if name != b.local || domain != b.domain || len(first) != idLength || len(second) != digestLength {
		return "", false
	}
	raw, err1 := base.DecodeString(strings.ToUpper(first))
	digest, err2 := base.DecodeString(strings.ToUpper(second))
	if err1 != nil || err2 != nil || len(raw) != 16 {
		return "", false
	}
	id = uuid.UUID(raw).String()
	return id, b.isDigest(digest, id)
}

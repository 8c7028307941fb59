package ticket

import (
	"context"
	"encoding/base32"
	"errors"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/mail"
	"nidan/internal/secret"
	"nidan/internal/store"
)

// Replies makes and knows again the address that answers to a ticket's letter go
// to: local+tNUMBER.HOLDER.DIGEST@domain. The digest keeps strangers out of
// somebody's thread. Make it with NewReplies.
type Replies struct {
	keys          *secret.Keys
	local, domain string
}

const (
	holderLength = 26 // 16 bytes
	digestBytes  = 8
	digestLength = 13 // of digestBytes
	numberLength = 10
	longLocal    = 64 - len("+t..") - numberLength - holderLength - digestLength
)

// ErrReplyAddress means that an address leaves no place for a ticket.
var ErrReplyAddress = errors.New("the address for answers needs a part before the @ of at most 11 characters without +")

// NewReplies takes the address whose plus-addresses (RFC 5233) come back to the portal.
func NewReplies(keys *secret.Keys, address string) (*Replies, error) {
	if err := mail.Addressable(address); err != nil {
		return nil, err
	}
	local, domain, _ := strings.Cut(address, "@")
	if len(local) > longLocal || strings.Contains(local, "+") {
		return nil, ErrReplyAddress
	}
	return &Replies{keys: keys, local: strings.ToLower(local), domain: strings.ToLower(domain)}, nil
}

// small letters and digits: what carries a local part may change its case.
var base = base32.StdEncoding.WithPadding(base32.NoPadding)

func written(b []byte) string { return strings.ToLower(base.EncodeToString(b)) }

// Address is where an answer to somebody's letter about a ticket goes; holder is
// the account's id, or empty for the author without one. Empty: there is none.
func (rp *Replies) Address(n Number, holder string) string {
	id := uuid.Nil
	if holder != "" {
		var err error
		if id, err = uuid.Parse(holder); err != nil {
			return ""
		}
	}
	digits := strconv.FormatInt(int64(n), 36)
	if n <= 0 || len(digits) > numberLength {
		return ""
	}
	return rp.local + "+t" + digits + "." + written(id[:]) + "." + written(rp.digest(n, id)) + "@" + rp.domain
}

func (rp *Replies) digest(n Number, holder uuid.UUID) []byte {
	return rp.keys.Digest(secret.ForReply, n.String(), holder.String())[:digestBytes]
}

// isDigest says whether an address of ours has that digest: also one that was given
// before another key came to seal.
func (rp *Replies) isDigest(digest []byte, n Number, holder uuid.UUID) bool {
	known := rp.keys.Digests(secret.ForReply, n.String(), holder.String())
	for i := range known {
		known[i] = known[i][:digestBytes]
	}
	return secret.EqualAny(digest, known)
}

// Parse is the ticket and the holder that an address was made for; false for all others.
func (rp *Replies) Parse(address string) (n Number, holder string, ok bool) {
	if len(address) > 320 {
		return 0, "", false
	}
	local, domain, _ := strings.Cut(strings.ToLower(address), "@")
	name, rest, _ := strings.Cut(local, "+t")
	parts := strings.Split(rest, ".")
	if name != rp.local || domain != rp.domain || len(parts) != 3 || len(parts[1]) != holderLength || len(parts[2]) != digestLength || len(parts[0]) > numberLength {
		return 0, "", false
	}
	value, err := strconv.ParseInt(parts[0], 36, 64)
	raw, err1 := base.DecodeString(strings.ToUpper(parts[1]))
	digest, err2 := base.DecodeString(strings.ToUpper(parts[2]))
	if err != nil || err1 != nil || err2 != nil || value <= 0 || len(raw) != 16 {
		return 0, "", false
	}
	id := uuid.UUID(raw)
	if n = Number(value); !rp.isDigest(digest, n, id) {
		return 0, "", false
	}
	if id != uuid.Nil {
		holder = id.String()
	}
	return n, holder, true
}

// Replied is whose contribution a mail to a signed address is: the author's or a
// contact's, who still is one and still stands, and whose stored address it says to
// come from. A letter that was passed on is answered by somebody else, so ok is
// false for him, for everybody else, and for a ticket that is closed or gone. The
// subject of a mail never decides.
func (d *HelpDesk) Replied(ctx context.Context, r store.Reader, address, from string) (n Number, s Said, ok bool, err error) {
	if d.Replies == nil {
		return 0, Said{}, false, nil
	}
	n, holder, ok := d.Replies.Parse(address)
	if !ok {
		return 0, Said{}, false, nil
	}
	c, err := find(ctx, r, n)
	if isNone(err) {
		return 0, Said{}, false, nil
	}
	if err != nil || c.State == Closed {
		return 0, Said{}, false, err
	}
	key := account.Key(from)
	if holder == "" && c.Author.ID == "" && c.Organization == "" {
		if key == "" || key != account.Key(c.WritesTo()) {
			return 0, Said{}, false, nil
		}
		return n, Said{Proved: true, ByMail: true, By: stranger(c.Author.Name)}, true, nil
	}
	for _, p := range c.People {
		if p.ID == holder && p.Stands && key != "" && key == account.Key(p.Email) {
			return n, Said{ByMail: true, By: By{Ref: account.Ref{Organization: c.Organization, ID: p.ID}, Name: p.Name,
				Actor: audit.Actor{Kind: audit.KindAccount, ID: p.ID}}}, true, nil
		}
	}
	return 0, Said{}, false, nil
}

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

// Replies makes and knows again what an answer to a ticket's letter is known by: the
// address it goes to, local+tNUMBER.HOLDER.DIGEST@domain, and the Message-ID that it
// names, ID.tNUMBER.HOLDER.DIGEST@anything, where a mail program answers to the desk's
// own address. The digests, of which neither tells the other, keep strangers out of
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
	sign := rp.sign(n, holder, rp.ofAddress)
	if sign == "" {
		return ""
	}
	return rp.local + "+" + sign + "@" + rp.domain
}

// Mark is what the Message-ID of somebody's letter about a ticket holds. Empty: nothing.
func (rp *Replies) Mark(n Number, holder string) string { return rp.sign(n, holder, rp.ofHeader) }

// parts are what is signed of a ticket and a holder.
type parts func(n Number, holder uuid.UUID) []string

func (rp *Replies) ofAddress(n Number, holder uuid.UUID) []string {
	return []string{n.String(), holder.String()}
}

func (rp *Replies) ofHeader(n Number, holder uuid.UUID) []string {
	return []string{"header", n.String(), holder.String()}
}

func (rp *Replies) sign(n Number, holder string, of parts) string {
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
	return "t" + digits + "." + written(id[:]) + "." + written(rp.keys.Digest(secret.ForReply, of(n, id)...)[:digestBytes])
}

// read is the ticket and the holder that were signed; false for everything else.
func (rp *Replies) read(sign string, of parts) (n Number, holder string, ok bool) {
	rest, ok := strings.CutPrefix(sign, "t")
	parts := strings.Split(rest, ".")
	if !ok || len(parts) != 3 || len(parts[1]) != holderLength || len(parts[2]) != digestLength || len(parts[0]) > numberLength {
		return 0, "", false
	}
	value, err := strconv.ParseInt(parts[0], 36, 64)
	raw, err1 := base.DecodeString(strings.ToUpper(parts[1]))
	signed, err2 := base.DecodeString(strings.ToUpper(parts[2]))
	if err != nil || err1 != nil || err2 != nil || value <= 0 || len(raw) != 16 {
		return 0, "", false
	}
	id := uuid.UUID(raw)
	if n = Number(value); !rp.signed(signed, of(n, id)) {
		return 0, "", false
	}
	if id != uuid.Nil {
		holder = id.String()
	}
	return n, holder, true
}

// signed says whether a digest is ours: also one that was given before another key
// came to seal.
func (rp *Replies) signed(digest []byte, parts []string) bool {
	known := rp.keys.Digests(secret.ForReply, parts...)
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
	name, sign, _ := strings.Cut(local, "+")
	if name != rp.local || domain != rp.domain {
		return 0, "", false
	}
	return rp.read(sign, rp.ofAddress)
}

// Find is the ticket and the holder of the first of some Message-IDs that is of one
// of our letters; false where none is.
func (rp *Replies) Find(ids []string) (n Number, holder string, ok bool) {
	for _, id := range ids {
		local, _, _ := strings.Cut(strings.ToLower(id), "@")
		if _, sign, marked := strings.Cut(local, "."); marked {
			if n, holder, ok = rp.read(sign, rp.ofHeader); ok {
				return n, holder, true
			}
		}
	}
	return 0, "", false
}

// Replied is whose contribution to a ticket a mail is that answers to the letter of a
// holder: the author's or a contact's, who still is one and still stands, and whose
// stored address it says to come from. A letter that was passed on is answered by
// somebody else, so ok is false for him, for everybody else, and for a ticket that is
// closed or gone. The subject of a mail never decides.
func (d *HelpDesk) Replied(ctx context.Context, r store.Reader, n Number, holder, from string) (s Said, ok bool, err error) {
	c, err := find(ctx, r, n)
	if isNone(err) {
		return Said{}, false, nil
	}
	if err != nil || c.State == Closed {
		return Said{}, false, err
	}
	key := account.Key(from)
	if holder == "" && c.Author.ID == "" && c.Organization == "" {
		if key == "" || key != account.Key(c.WritesTo()) {
			return Said{}, false, nil
		}
		return Said{Proved: true, ByMail: true, By: stranger(c.Author.Name)}, true, nil
	}
	for _, p := range c.People {
		if p.ID == holder && p.Stands && key != "" && key == account.Key(p.Email) {
			return Said{ByMail: true, By: By{Ref: account.Ref{Organization: c.Organization, ID: p.ID}, Name: p.Name,
				Actor: audit.Actor{Kind: audit.KindAccount, ID: p.ID}}}, true, nil
		}
	}
	return Said{}, false, nil
}

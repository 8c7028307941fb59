package audit

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// actLinked is the act under which the operators' chain keeps all chains' heads.
const actLinked = "portal:heads:linked"

// headsInRow bounds one link row to some 10 KiB; a link of more chains takes several.
const headsInRow = 100

// head is where a chain stands: which rows it has, and the digest of its last.
//
// A link is the full list of heads and not one digest over it, since only the list
// can say which chain was cut and where. It costs about 90 bytes an organization
// and day; the newest link alone is enough to verify with, so Trim may remove the
// older ones.
type head struct {
	Chain       string
	First, Last int64
	Digest      []byte
}

// String is a head as a link keeps it.
func (h head) String() string {
	return fmt.Sprintf("%s:%d:%d:%s", h.Chain, h.First, h.Last, base64.RawURLEncoding.EncodeToString(h.Digest))
}

func parseHead(text string) (h head, err error) {
	part := strings.Split(text, ":")
	if len(part) != 4 {
		return head{}, fmt.Errorf("%q is not a head", text)
	}
	h.Chain = part[0]
	if h.First, err = strconv.ParseInt(part[1], 10, 64); err != nil {
		return head{}, fmt.Errorf("%q is not a head: %w", text, err)
	}
	if h.Last, err = strconv.ParseInt(part[2], 10, 64); err != nil {
		return head{}, fmt.Errorf("%q is not a head: %w", text, err)
	}
	if h.Digest, err = base64.RawURLEncoding.DecodeString(part[3]); err != nil {
		return head{}, fmt.Errorf("%q is not a head: %w", text, err)
	}
	return h, nil
}

// linkEntries are the rows of one link.
func linkEntries(heads []head) []Entry {
	var entries []Entry
	parts := (len(heads) + headsInRow - 1) / headsInRow
	for part := range parts {
		some := heads[part*headsInRow : min((part+1)*headsInRow, len(heads))]
		text := make([]string, len(some))
		for i, h := range some {
			text[i] = h.String()
		}
		entries = append(entries, Entry{
			Chain: Operators, Act: actLinked, Actor: Actor{Kind: KindPortal}, Subject: "audit",
			Detail: map[string]string{
				"chains": strconv.Itoa(len(heads)),
				"part":   fmt.Sprintf("%d/%d", part+1, parts),
				"heads":  strings.Join(text, " "),
			},
		})
	}
	return entries
}

// linked reads the heads of one link row.
func (r Row) linked() ([]head, error) {
	var heads []head
	for text := range strings.FieldsSeq(r.Detail["heads"]) {
		h, err := parseHead(text)
		if err != nil {
			return nil, err
		}
		heads = append(heads, h)
	}
	return heads, nil
}

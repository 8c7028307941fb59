package record

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/audit"
	"nidan/internal/limit"
	"nidan/internal/ticket"
)

// Named is a row of the record with the names of those it tells of, where they still
// exist.
type Named struct {
	audit.Row
	Organization string // name of the chain's organization
	ActorName    string
	ActorEmail   string
	SubjectName  string
	SubjectEmail string
}

// kept are the names under which a detail keeps whom an act was done to.
var kept = []string{"name", "email", "address", "holder", "organization"}

// Who is who did it, as it can best be said; empty for nobody in particular.
func (n Named) Who() string {
	switch {
	case n.ActorName != "":
		return n.ActorName
	case n.Actor.ID == "-":
		return ""
	}
	return n.Actor.ID
}

// Whom is whom it was done to: by name, else as the detail kept it, else the id.
func (n Named) Whom() string {
	if n.SubjectName != "" {
		return n.SubjectName
	}
	for _, name := range kept {
		if text := n.Detail[name]; text != "" {
			return text
		}
	}
	if n.Subject == "-" {
		return ""
	}
	return n.Subject
}

// Part is one line of a detail.
type Part struct{ Name, Value string }

// Ticket says whether it names one of the portal's own tickets, and not one elsewhere.
func (p Part) Ticket() bool {
	n, ok := ticket.ParseNumber(p.Value)
	return ok && p.Name == "ticket" && n.String() == p.Value
}

// Parts is the detail in the order of its names.
func (n Named) Parts() (list []Part) {
	for name, value := range n.Detail {
		list = append(list, Part{name, value})
	}
	slices.SortFunc(list, func(a, b Part) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// readDetail reads the text of a detail; what cannot be read is shown as it is.
func readDetail(text string) (detail map[string]string) {
	if json.Unmarshal([]byte(text), &detail) != nil {
		return map[string]string{"unreadable": text}
	}
	return detail
}

// Place is a row's place in the order of time: where the page before ended.
type Place struct {
	At    time.Time
	Chain string
	Seq   int64
}

// Filter chooses rows. What is zero does not filter; Nothing chooses none.
type Filter struct {
	Chain       string
	Seq         int64
	From, Until time.Time // inclusive, exclusive
	Acts        []string
	Actor       string
	Subject     string
	Network     string
	SignIns     bool // of an organization's history
	Nothing     bool // something was asked for that nobody is
}

// network is an address or a network as the record writes it: what one person has
// for himself. ok is false when it is neither.
func network(typed string) (text string, ok bool) {
	typed = strings.TrimSpace(typed)
	if addr, err := netip.ParseAddr(typed); err == nil {
		return limit.Network(addr), true
	}
	prefix, err := netip.ParsePrefix(typed)
	if err != nil {
		return "", false
	}
	return prefix.Masked().String(), true
}

// plainID says whether a text can be an id at all.
func plainID(id string) bool {
	return len(id) == 36 && strings.Trim(id, "0123456789abcdef-") == ""
}

// isAddress says whether somebody is asked for by mail address.
func isAddress(text string) bool { return account.Key(text) != "" }

// actKey is the phrase that says an act.
const actKey = "record.act_"

// nouns are the first nouns of acts, in order.
func nouns(acts []string) (list []string) {
	for _, a := range acts {
		noun, _, _ := strings.Cut(a, ":")
		if !slices.Contains(list, noun) {
			list = append(list, noun)
		}
	}
	return list
}

// Matching are the acts that were chosen: one of them, or all of a noun; none where
// nothing was.
func Matching(acts []string, chosen string) (list []string) {
	if chosen == "" {
		return nil
	}
	for _, a := range acts {
		if a == chosen || strings.HasPrefix(a, chosen+":") {
			list = append(list, a)
		}
	}
	if len(list) == 0 {
		list = []string{chosen} // one that has no phrase yet, or never was
	}
	return list
}

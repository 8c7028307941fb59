package network

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"nidan/internal/account"
)

// Most is how many networks an organization may permit.
const Most = 100

// Why says what is wrong with a network that was typed; the zero Why: nothing.
type Why string

// The reasons.
const (
	WhyShape  Why = "network.shape"
	WhyMapped Why = "network.mapped"
	WhyAll    Why = "network.everything"
)

// Typed is a network as it was typed and as it is understood.
type Typed struct {
	Prefix netip.Prefix
	Masked bool // bits of a host were typed, and are not kept
}

// Parse reads a network in CIDR notation, of IPv4 or IPv6. A single address is a
// network of its own; an IPv4 address in an IPv6 spelling is the IPv4 address, which
// is the form in which the gate compares.
func Parse(text string) (Typed, Why) {
	address, length, found := strings.Cut(norm.NFKC.String(strings.TrimSpace(text)), "/")
	addr, err := netip.ParseAddr(address)
	if err != nil || addr.Zone() != "" {
		return Typed{}, WhyShape
	}
	bits := addr.BitLen()
	if found {
		if bits, err = strconv.Atoi(length); err != nil || length != strconv.Itoa(bits) {
			return Typed{}, WhyShape
		}
	}
	if addr.Is4In6() {
		if bits -= 96; bits < 0 {
			return Typed{}, WhyMapped
		}
		addr = addr.Unmap()
	}
	prefix, err := addr.Prefix(bits)
	switch {
	case err != nil:
		return Typed{}, WhyShape
	case bits == 0:
		return Typed{}, WhyAll
	}
	return Typed{prefix, prefix.Addr() != addr}, ""
}

// Overlap is a network of the list that holds the other, or that the other holds.
// Two networks never overlap in part.
func Overlap(list []account.Network, prefix netip.Prefix) (other account.Network, found bool) {
	i := slices.IndexFunc(list, func(n account.Network) bool { return n.Prefix.IsValid() && n.Prefix.Overlaps(prefix) })
	if i < 0 {
		return account.Network{}, false
	}
	return list[i], true
}

// Leader is a Portal Admin who stands, with from where he signed in with a code.
type Leader struct {
	ID, Name string
	Checked  bool
	Seen     []netip.Prefix // the newest first
}

// enters says whether he could get in from anywhere he was seen. A network of which
// only a part is permitted does not count: he may have been in the other part.
func (l Leader) enters(permitted []netip.Prefix) bool {
	return slices.ContainsFunc(l.Seen, func(seen netip.Prefix) bool {
		return slices.ContainsFunc(permitted, func(p netip.Prefix) bool { return p.Bits() <= seen.Bits() && p.Contains(seen.Addr()) })
	})
}

// After is how things would stand after a change.
type After struct {
	Permitted []netip.Prefix
	Leaders   []Leader
	Self      string     // the id of who makes the change
	Checked   bool       // whether his own network would be checked
	Client    netip.Addr // from where he makes it
}

// Shut says whom a change would shut out. The zero Shut is nobody.
type Shut struct {
	Self    bool // who makes the change, from where he makes it
	Leaders bool // every Portal Admin whose network is checked, from wherever he was seen
}

// Any says whether anybody would be.
func (s Shut) Any() bool { return s.Self || s.Leaders }

// Key names what was warned of: what was meant is asked again when it changes.
func (s Shut) Key() string {
	var parts []string
	if s.Self {
		parts = append(parts, "self")
	}
	if s.Leaders {
		parts = append(parts, "leaders")
	}
	return strings.Join(parts, "-")
}

// ShutsOut is the rule of the warning. Nobody is shut out whose check is off.
func ShutsOut(a After) Shut {
	shut := Shut{Self: a.Checked && !account.Permits(a.Permitted, a.Client)}
	for _, l := range a.Leaders {
		switch {
		case !l.Checked:
		case l.enters(a.Permitted), l.ID == a.Self && !shut.Self:
			return Shut{Self: shut.Self}
		default:
			shut.Leaders = true
		}
	}
	return shut
}

// Entering are the Portal Admins who get in as the records show: with the check off
// from anywhere, with it on from where they were seen.
func Entering(permitted []netip.Prefix, leaders []Leader) (free, seen []Leader) {
	for _, l := range leaders {
		switch {
		case !l.Checked:
			free = append(free, l)
		case l.enters(permitted):
			seen = append(seen, l)
		}
	}
	return free, seen
}

// pattern is what a search looks for, as a like-pattern with ! before its signs.
func pattern(key string) string {
	if key == "" {
		return ""
	}
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(key) + "%"
}

// plainID says whether a text can be an id at all; no other reaches the store.
func plainID(id string) bool {
	return len(id) == 36 && strings.Trim(id, "0123456789abcdef-") == ""
}

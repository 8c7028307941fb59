package store

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// watched are the tables of which a node keeps something in memory: all that the gate
// learns of a session and of what is planned (signin's test compares). Whatever writes
// one of them makes the nodes forget, see Heed.
var watched = map[string]bool{
	"session": true, "account": true, "organization": true, "operator": true, "totp": true, "mailotp": true,
	"second_step_state": true, "password": true, "password_reset": true, "grace_end": true, "pass": true,
	"extension": true, "rollout": true, "policy": true, "maintenance_window": true, "maintenance_operator": true, "network": true,
}

// Watched are the tables of which a node keeps something in memory.
func Watched() []string { return slices.Sorted(maps.Keys(watched)) }

// kind is what a statement does to watched tables.
type kind struct {
	writes bool // one of them, or what no one can tell
	adds   bool // it does nothing but insert rows that were not there

	selects bool // it does nothing but read, and may be asked twice
}

var (
	kinds     sync.Map // text → kind
	writing   = regexp.MustCompile(`(?i)\b(?:insert\s+(?:or\s+\w+\s+)?into|replace\s+into|merge\s+into|delete\s+from|update)\s+(?:only\s+)?(?:"?\w+"?\.)?"?(\w+)`)
	selecting = regexp.MustCompile(`(?i)^\s*select\s`)
	asking    = regexp.MustCompile(`(?i)^\s*(?:select|with|values|explain|pragma\s+\w+\s*$)`)
	inserting = regexp.MustCompile(`(?i)^\s*insert\s+into\s`)
	replacing = regexp.MustCompile(`(?i)\bon\s+conflict\b|\bupdate\b|\bdelete\b`)
)

// kindOfText reads a statement once. A table is made or changed by what names no row of
// one: such a statement counts as writing everything.
func kindOfText(text string) kind {
	if k, ok := kinds.Load(text); ok {
		return k.(kind)
	}
	k := kind{adds: inserting.MatchString(text) && !replacing.MatchString(text)}
	tables := writing.FindAllStringSubmatch(text, -1)
	for _, found := range tables {
		k.writes = k.writes || watched[strings.ToLower(found[1])]
	}
	if len(tables) == 0 && !asking.MatchString(text) {
		k.writes = true
	}
	k.selects = len(tables) == 0 && selecting.MatchString(text)
	kinds.Store(text, k)
	return k
}

// Holder is whom a change concerns; an empty ID is everybody of the organization.
type Holder struct{ Organization, ID string }

// Change is what a transaction may have changed in watched tables.
type Change struct {
	All   bool
	Whose []Holder
}

func (c Change) none() bool { return !c.All && len(c.Whose) == 0 }

// reach is who has to forget by what one statement writes. The zero reach is
// everybody, everywhere.
type reach int

const (
	everywhere reach = iota
	ofHolder         // of one holder, on every node
	hereOnly         // of one holder, on this node: others may be late with it
	ofNobody         // rows that nobody can have read
)

// deed is what one transaction has written to watched tables so far.
type deed struct {
	told Change // what every node is told
	here []Holder
}

// ownChange is what this node itself has to forget.
func (d *deed) ownChange() Change {
	return Change{All: d.told.All, Whose: slices.Concat(d.told.Whose, d.here)}
}

// note takes down one statement. What is narrowed must bear it out by its values, so
// that a mistake makes too many forget, never too few.
func (d *deed) note(to scope, text string, args []any) {
	k := kindOfText(text)
	if !k.writes {
		return
	}
	switch {
	case to.reach == ofNobody && k.adds:
	case to.reach == ofHolder && named(args, to.whose):
		if !slices.Contains(d.told.Whose, to.whose) {
			d.told.Whose = append(d.told.Whose, to.whose)
		}
	case to.reach == hereOnly && named(args, to.whose):
		if !slices.Contains(d.here, to.whose) {
			d.here = append(d.here, to.whose)
		}
	default:
		d.told.All = true
	}
}

// named says whether a statement's values name a holder.
func named(args []any, whose Holder) bool {
	return whose.Organization != "" && slices.Contains(args, any(whose.Organization)) &&
		(whose.ID == "" || slices.Contains(args, any(whose.ID)))
}

// scope is what a view of a transaction says of its statements.
type scope struct {
	reach reach
	whose Holder
}

// About is the same transaction for statements that change nothing but what is known
// of one holder (an empty id: of one organization): only that is forgotten. Without it
// everybody's is. The statement's values name both.
func (tx *Tx) About(organization, id string) *Tx {
	return tx.as(scope{ofHolder, Holder{organization, id}})
}

// AboutHere is About for what other nodes may learn seconds later without harm: nothing is
// sent to them. Every use is listed in internal/house.
func (tx *Tx) AboutHere(organization, id string) *Tx {
	return tx.as(scope{hereOnly, Holder{organization, id}})
}

// AboutNobody is the same transaction for statements that insert rows nobody can have read
// anything of: nothing is forgotten. Every use is listed in internal/house.
func (tx *Tx) AboutNobody() *Tx { return tx.as(scope{reach: ofNobody}) }

func (tx *Tx) as(s scope) *Tx {
	view := *tx
	view.scope = s
	return &view
}

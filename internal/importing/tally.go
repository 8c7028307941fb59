package importing

import (
	"cmp"
	"maps"
	"slices"
)

// Tally is what came of the rows so far. It is kept with the run, as JSON.
type Tally struct {
	Rows          int64 `json:"rows"`
	Added         int64 `json:"added"`
	There         int64 `json:"already_there"`
	Differs       int64 `json:"differs"`
	Refused       int64 `json:"refused"`
	Guides        int64 `json:"starting_guides"` // of those added
	Extended      int64 `json:"extensions"`
	Requests      int64 `json:"mailotp_requests"` // MailOTP asked for: preset or request
	Organizations int64 `json:"new_organizations"`

	Of map[string]*Share `json:"organizations,omitempty"` // by the name's key
}

// Share is what came of one organization's rows.
type Share struct {
	Name    string `json:"name"`
	New     bool   `json:"new"`
	Added   int64  `json:"added"`
	Admins  int64  `json:"portal_admins"`
	There   int64  `json:"already_there"`
	Differs int64  `json:"differs"`
	Refused int64  `json:"refused"`
	Guides  int64  `json:"starting_guides"`
}

// sharesMost bounds what a run keeps by organization; the sums are of all.
const sharesMost = 2000

// share is an organization's part; nil beyond the most that are kept.
func (t *Tally) share(key, name string) *Share {
	if t.Of == nil {
		t.Of = map[string]*Share{}
	}
	s := t.Of[key]
	if s == nil && key != "" && len(t.Of) < sharesMost {
		s = &Share{Name: name}
		t.Of[key] = s
	}
	return s
}

// count adds what became of one row.
func (t *Tally) count(v Verdict, key, name string) {
	s := t.share(key, name)
	if s == nil {
		s = &Share{}
	}
	t.Rows++
	switch v.Outcome {
	case Added:
		t.Added++
		s.Added++
		if v.Account.Authority == "portal_admin" {
			s.Admins++
		}
		if v.Hash == "" {
			t.Guides++
			s.Guides++
		}
		if !v.Until.IsZero() {
			t.Extended++
		}
		if v.Account.Preset == "mailotp" {
			t.Requests++
		}
	case There:
		t.There++
		s.There++
	case Differs:
		t.Differs++
		s.Differs++
	default:
		t.Refused++
		s.Refused++
	}
}

// begun notes an organization that is made.
func (t *Tally) begun(key, name string) {
	t.Organizations++
	if s := t.share(key, name); s != nil {
		s.New = true
	}
}

// Shares are the organizations' parts by name.
func (t *Tally) Shares() []*Share {
	return slices.SortedFunc(maps.Values(t.Of), func(a, b *Share) int { return cmp.Compare(a.Name, b.Name) })
}

// clone is a copy that counts by itself: a transaction that runs again must not count
// twice.
func (t *Tally) clone() Tally {
	c := *t
	c.Of = make(map[string]*Share, len(t.Of))
	for key, s := range t.Of {
		one := *s
		c.Of[key] = &one
	}
	return c
}

package progress

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Recounted is what a recount found.
type Recounted struct {
	Organizations, People int64
	Different             int64        // how many figures differ
	First                 []Difference // the first of them
	Repaired              bool
}

// named is how many differences are named one by one.
const named = 100

// Difference is one figure that is kept otherwise than it is counted.
type Difference struct {
	Organization string    // empty: the whole portal's
	Holder       string    // empty: of the organization's sums
	Hour         time.Time // of a sum by the hour; zero: what is so now
	What         string
	Kept         string
	Counted      string
}

// String is a difference on one line.
func (d Difference) String() string {
	of := "the portal"
	switch {
	case d.Holder != "":
		of = "organization " + d.Organization + ", account " + d.Holder
	case d.Organization != "":
		of = "organization " + d.Organization
	}
	if !d.Hour.IsZero() {
		of += ", hour from " + d.Hour.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("%s: %s is kept as %s, counted %s", of, d.What, d.Kept, d.Counted)
}

// add notes differences.
func (r *Recounted) add(list []Difference) {
	r.Different += int64(len(list))
	r.First = append(r.First, list[:min(len(list), named-len(r.First))]...)
}

// row is what the real rows say of one person: those of the account and of the
// methods that are proved.
type row struct {
	suspended     time.Time // zero: the account stands
	gone          bool      // there is no account
	totp, mailotp time.Time // proved; zero: not
}

// mend is the person as the rows say, as near to what is kept as they let: of
// steps that left no row of their own, what is kept stays.
func (r row) mend(p person, now time.Time) person {
	p.known = true
	away := r.gone || !r.suspended.IsZero()
	switch {
	case away && p.away <= 0:
		p.away, p.left = 1, r.suspended
		if r.gone {
			p.left = now
		}
	case !away:
		p.away, p.left = 0, time.Time{}
	}
	if r.gone { // with the account its methods are gone, not what it had proved
		return p
	}
	method, at := mailed, r.mailotp
	if !r.totp.IsZero() && !r.totp.Before(r.mailotp) {
		method, at = byApp, r.totp
	}
	switch {
	case at.IsZero():
		p.enrolled, p.method, p.methodAt = time.Time{}, "", time.Time{}
		return p
	case p.method != method:
		p.method, p.methodAt = method, at
	}
	if p.enrolled.IsZero() {
		first(&p.enrolled, at)
	}
	first(&p.started, p.enrolled)
	first(&p.signed, p.started)
	return p
}

// differs names what is kept otherwise than the rows say of one person.
func (p person) differs(to person, organization, holder string) (list []Difference) {
	say := func(what, kept, counted string) {
		if kept != counted {
			list = append(list, Difference{Organization: organization, Holder: holder, What: what, Kept: kept, Counted: counted})
		}
	}
	say("standing", p.standing(), to.standing())
	say("method proved", or(p.method, "none"), or(to.method, "none"))
	say("enrolled", moment(p.enrolled), moment(to.enrolled))
	return list
}

func (p person) standing() string {
	switch {
	case !p.known:
		return "not known"
	case p.away > 0:
		return "gone"
	}
	return "stands"
}

func or(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

// differ names the figures in which two sums differ.
func (f Figures) differ(counted Figures, organization string, hour time.Time) (list []Difference) {
	for _, one := range []struct {
		what          string
		kept, counted int64
	}{
		{"accounts", f.Accounts, counted.Accounts}, {"told", f.Told, counted.Told}, {"signed in", f.Signed, counted.Signed},
		{"started", f.Started, counted.Started}, {"TOTP", f.TOTP, counted.TOTP}, {"MailOTP", f.MailOTP, counted.MailOTP},
	} {
		if one.kept != one.counted {
			list = append(list, Difference{Organization: organization, Hour: hour, What: one.what,
				Kept: fmt.Sprint(one.kept), Counted: fmt.Sprint(one.counted)})
		}
	}
	return list
}

// differences names the hours in which the sums differ, in their order.
func differences(kept, counted map[int64]Figures, organization string) (list []Difference) {
	all := maps.Clone(kept)
	maps.Copy(all, counted)
	for _, hour := range slices.Sorted(maps.Keys(all)) {
		list = append(list, kept[hour].differ(counted[hour], organization, hourAt(hour))...)
	}
	return list
}

package progress

import (
	"hash/fnv"
	"time"
)

// shards is over how many rows the whole portal's hours are spread: two people of
// different organizations seldom wait for each other.
const shards = 4

// shard is the row that an organization's people are counted in.
func shard(organization string) int64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(organization)) // a hash never fails
	return int64(h.Sum32() % shards)
}

// Figures are how many people came how far. Accounts holds everybody who stands;
// of the hours it is zero, since nobody is counted in by the hour.
type Figures struct {
	Accounts int64
	Told     int64 // a letter about the changeover was taken by the mail server
	Signed   int64 // signed in since the opening
	Started  int64 // opened the set-up
	TOTP     int64 // enrolled with it
	MailOTP  int64
}

// Enrolled are those with a proved method.
func (f Figures) Enrolled() int64 { return f.TOTP + f.MailOTP }

// Open are those without one.
func (f Figures) Open() int64 { return f.Accounts - f.Enrolled() }

// Plus adds two figures.
func (f Figures) Plus(g Figures) Figures {
	return Figures{f.Accounts + g.Accounts, f.Told + g.Told, f.Signed + g.Signed, f.Started + g.Started, f.TOTP + g.TOTP, f.MailOTP + g.MailOTP}
}

// Minus takes figures away.
func (f Figures) Minus(g Figures) Figures {
	return f.Plus(Figures{-g.Accounts, -g.Told, -g.Signed, -g.Started, -g.TOTP, -g.MailOTP})
}

// Hour is what happened in the hour that begins at At.
type Hour struct {
	At time.Time
	Figures
}

// person is what one row of progress_person says.
type person struct {
	told, signed, started, enrolled time.Time
	method                          string
	left                            time.Time
}

// sums is what a person adds to the sums of the organization, and to each hour.
func (p person) sums() (now Figures, hours map[int64]Figures) {
	hours = map[int64]Figures{}
	if !p.left.IsZero() {
		return Figures{}, hours
	}
	now.Accounts = 1
	at := func(t time.Time, f Figures) {
		if !t.IsZero() {
			now = now.Plus(f)
			hours[hourOf(t)] = hours[hourOf(t)].Plus(f)
		}
	}
	at(p.told, Figures{Told: 1})
	at(p.signed, Figures{Signed: 1})
	at(p.started, Figures{Started: 1})
	if p.method == "mailotp" {
		at(p.enrolled, Figures{MailOTP: 1})
	} else {
		at(p.enrolled, Figures{TOTP: 1})
	}
	return now, hours
}

// hourOf numbers the hours since 1970 (UTC).
func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

// change is what the sums change by when a person goes from one state to another.
func change(from, to person) (now Figures, hours map[int64]Figures) {
	was, wasHours := from.sums()
	is, hours := to.sums()
	for hour, f := range wasHours {
		hours[hour] = hours[hour].Minus(f)
	}
	for hour, f := range hours {
		if f == (Figures{}) {
			delete(hours, hour)
		}
	}
	return is.Minus(was), hours
}

// mark returns p with what happened at now; it answers p itself when it had
// happened before. Whoever enrolls has started, and whoever starts has signed in.
func (p person) mark(what Step, method string, now time.Time) person {
	first := func(t *time.Time) {
		if t.IsZero() {
			*t = now
		}
	}
	switch what {
	case Told:
		first(&p.told)
	case Enrolled:
		first(&p.enrolled)
		p.method = method
		fallthrough
	case Started:
		first(&p.started)
		fallthrough
	case Signed:
		first(&p.signed)
	}
	return p
}

// Step is how far a person came. The zero Step is nowhere.
type Step int

// The steps.
const (
	Told Step = iota + 1
	Signed
	Started
	Enrolled
)

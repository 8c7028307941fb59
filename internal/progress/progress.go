package progress

import "time"

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
	told, signed, started, enrolled time.Time // each for the first time
	method                          string    // proved last
	methodAt                        time.Time // when that was
	away                            int64     // leavings without a return; above zero: not counted
	left                            time.Time // the latest leaving of whoever is away
	known                           bool      // there is a row
}

// stands says whether the person is in the sums.
func (p person) stands() bool { return p.known && p.away <= 0 }

// sums is what a person adds to the sums of the organization, and to each hour.
func (p person) sums() (now Figures, hours map[int64]Figures) {
	hours = map[int64]Figures{}
	if !p.stands() {
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
	if p.method == mailed {
		at(p.enrolled, Figures{MailOTP: 1})
	} else {
		at(p.enrolled, Figures{TOTP: 1})
	}
	return now, hours
}

// The methods, as deeds note them.
const (
	byApp  = "totp"
	mailed = "mailotp"
)

// hourOf numbers the hours since 1970 (UTC).
func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

// hourAt is when an hour of that number begins.
func hourAt(hour int64) time.Time { return time.Unix(hour*3600, 0).UTC() }

// sums are changes of sums: by organization, and by hour of an organization or of
// the whole portal ("").
type sums struct {
	now   map[string]Figures
	hours map[string]map[int64]Figures
}

// change adds what the sums change by when a person goes from one state to another.
func (s sums) change(organization string, from, to person) {
	was, wasHours := from.sums()
	is, hours := to.sums()
	if f := is.Minus(was); f != (Figures{}) {
		s.now[organization] = s.now[organization].Plus(f)
	}
	for hour, f := range wasHours {
		hours[hour] = hours[hour].Minus(f)
	}
	for hour, f := range hours {
		for _, scope := range []string{organization, ""} {
			if s.hours[scope] == nil {
				s.hours[scope] = map[int64]Figures{}
			}
			s.hours[scope][hour] = s.hours[scope][hour].Plus(f)
		}
	}
}

// What is what happened to a person. The zero What is nothing.
type What string

// What can happen.
const (
	Came     What = "came"     // a new account
	Left     What = "left"     // suspended or deleted
	Returned What = "returned" // suspended no more, as far along as before
	Told     What = "told"
	Signed   What = "signed"
	Started  What = "started"
	Enrolled What = "enrolled"
)

// mark returns the person after what happened. Whatever the order in which it is
// told, the same comes out, since nodes fold beside each other and their clocks
// differ: of each step the first time counts, of methods the last, and leavings
// and returns, which alternate, are counted. Whoever enrolls has started, and
// whoever starts has signed in.
func (p person) mark(what What, method string, at time.Time) person {
	p.known = true
	switch what {
	case Left:
		p.away++
		if at.After(p.left) {
			p.left = at
		}
	case Returned:
		p.away--
	case Told:
		first(&p.told, at)
	case Enrolled:
		first(&p.enrolled, at)
		if at.After(p.methodAt) || at.Equal(p.methodAt) && method == byApp {
			p.method, p.methodAt = method, at
		}
		fallthrough
	case Started:
		first(&p.started, at)
		fallthrough
	case Signed:
		first(&p.signed, at)
	}
	if p.away <= 0 {
		p.left = time.Time{}
	}
	return p
}

// first keeps the earlier of two instants; the zero one is none.
func first(t *time.Time, at time.Time) {
	if t.IsZero() || at.Before(*t) {
		*t = at
	}
}

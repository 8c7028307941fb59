package notice

import (
	"cmp"
	"slices"
	"time"
	"unicode/utf8"

	"nidan/internal/account"
	"nidan/internal/phrase"
)

// Text is a notice in one language.
type Text struct {
	Title string
	Body  string // Markdown
}

// Audience is whom a notice is for. The zero Audience is everybody.
type Audience struct {
	Organization string            // id; empty: every organization
	Authority    account.Authority // empty: both
}

// Everybody says whether nobody is left out.
func (a Audience) Everybody() bool { return a == Audience{} }

// Notice is one of them. The zero Notice shows to nobody.
type Notice struct {
	ID string
	Audience
	English, Japanese Text
	From, Until       time.Time // zero Until: until it is withdrawn
	AtSignin          bool      // on the sign-in page too, for whoever opens it
	ByMail            bool
	Published         time.Time
	By                string
	Changed           time.Time
	Withdrawn         time.Time
	Mailed            int64     // letters queued so far
	MailedAt          time.Time // when the last of them was; zero: not all are
	after             account.Ref
}

// In is its text in a language.
func (n Notice) In(lang phrase.Lang) Text {
	if lang == phrase.Japanese {
		return n.Japanese
	}
	return n.English
}

// State is what a notice is at one instant.
type State string

// The states.
const (
	Ahead     State = "ahead"
	Showing   State = "showing"
	Over      State = "over"
	Withdrawn State = "withdrawn"
)

// At is its state at now.
func (n Notice) At(now time.Time) State {
	switch {
	case n.ID == "" || !n.Withdrawn.IsZero():
		return Withdrawn
	case now.Before(n.From):
		return Ahead
	case !n.Until.IsZero() && !now.Before(n.Until):
		return Over
	}
	return Showing
}

// Reader is who reads. The zero Reader is a stranger at the sign-in page.
type Reader struct {
	account.Ref
	Authority account.Authority
}

// For says whether a notice is for a reader: operators read all, strangers what is
// marked for the sign-in page and for everybody.
func (n Notice) For(r Reader) bool {
	switch {
	case r.ID == "" || r.Organization == "":
		return n.AtSignin && n.Everybody()
	case r.IsOperator():
		return true
	}
	return (n.Organization == "" || n.Organization == r.Organization) && (n.Audience.Authority == "" || n.Audience.Authority == r.Authority)
}

// Shown are those that show to a reader at now, the newest first.
func Shown(all []Notice, r Reader, now time.Time) (list []Notice) {
	for _, n := range all {
		if n.At(now) == Showing && n.For(r) {
			list = append(list, n)
		}
	}
	slices.SortStableFunc(list, func(a, b Notice) int { return cmp.Or(b.From.Compare(a.From), cmp.Compare(b.ID, a.ID)) })
	return list
}

// Bounds of what is written, in characters.
const (
	LongestTitle = 120
	LongestText  = 10_000
)

// Wrong is what is wrong with one field of a notice.
type Wrong struct{ Field, Phrase string }

// Check says what is wrong with a notice that is published, or changed, at now.
// Both languages have to be there: nobody reads half of a portal.
func (n Notice) Check(now time.Time) (list []Wrong) {
	for _, one := range []struct {
		field, missing, text string
		longest              int
	}{
		{"title_en", "notice.title_missing", n.English.Title, LongestTitle},
		{"text_en", "notice.text_missing", n.English.Body, LongestText},
		{"title_ja", "notice.title_missing", n.Japanese.Title, LongestTitle},
		{"text_ja", "notice.text_missing", n.Japanese.Body, LongestText},
	} {
		switch {
		case one.text == "":
			list = append(list, Wrong{one.field, one.missing})
		case utf8.RuneCountInString(one.text) > one.longest:
			list = append(list, Wrong{one.field, "notice.too_long"})
		}
	}
	switch {
	case n.Until.IsZero():
	case !n.From.Before(n.Until):
		list = append(list, Wrong{"until", "notice.until_before"})
	case !now.Before(n.Until):
		list = append(list, Wrong{"until", "notice.until_past"})
	}
	if n.AtSignin && !n.Everybody() {
		list = append(list, Wrong{"at_signin", "notice.signin_everybody"})
	}
	if a := n.Audience.Authority; a != "" && a != account.PortalAdmin && a != account.GeneralUser {
		list = append(list, Wrong{"authority", "notice.authority_unknown"})
	}
	return list
}

// Mails says whether letters of a notice are due at now and not all are queued.
func (n Notice) Mails(now time.Time) bool {
	return n.ByMail && n.MailedAt.IsZero() && n.At(now) == Showing
}

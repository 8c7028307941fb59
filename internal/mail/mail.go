package mail

import (
	"errors"
	"fmt"
	"html"
	netmail "net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"nidan/internal/phrase"
)

// Lane is how soon a letter is wanted.
type Lane string

// The lanes.
const (
	Code   Lane = "code"   // somebody sits before the screen and waits
	Notice Lane = "notice" // to one person, about something that happened
	Bulk   Lane = "bulk"   // the same to many
)

// Letter is one mail to one person, as a room writes it.
type Letter struct {
	Organization, Holder string // whose letter it is
	Lane                 Lane
	Kind                 string // a short noun such as "code"; for operators and logs
	To                   string // the stored address, and nothing else
	ReplyTo              string // where an answer goes; empty: to the sender
	Mark                 string // in its Message-ID, which an answer names; small letters, digits and dots
	Language             phrase.Lang
	Subject              string    // stored readable: no code, no link
	Text                 string    // paragraphs apart by an empty line; the HTML is made of it
	Due                  time.Time // zero: now
	Expires              time.Time // zero: never; a code must have one
}

// Message is a letter on its way out.
type Message struct {
	ID        string
	From, To  string
	ReplyTo   string // where an answer goes; empty: to the sender
	Return    string // envelope sender, where a bounce of it goes; empty: the sender's own
	Language  phrase.Lang
	Subject   string
	Text      string
	HTML      string
	MessageID string    // without its angle brackets; the same in every try
	At        time.Time // its Date, the same in every try
}

// ErrAddress means that a recipient is not exactly one plain mail address.
var ErrAddress = errors.New("not one plain mail address")

// Addressable says whether mail can be sent to an address: one, without a name,
// comments, quotes or control characters (RFC 5321 §4.1.2 and 4.5.3.1).
func Addressable(address string) error {
	parsed, err := netmail.ParseAddress(address)
	if err != nil || parsed.Address != address || len(address) > 254 || !utf8.ValidString(address) {
		return ErrAddress
	}
	local, domain, _ := strings.Cut(address, "@")
	if len(local) > 64 || strings.ContainsAny(domain, "@[]") || strings.ContainsFunc(address, unprintable) {
		return ErrAddress
	}
	return nil
}

// longMark is how long a mark may be: a Message-ID is one word of one line.
const longMark = 80

func unprintable(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }

// refusal is why a letter cannot stand in the outbox; each is a mistake of the
// room that wrote it, since a room checks what people type.
func (l Letter) refusal() error {
	switch {
	case l.Kind == "" || l.Subject == "" || l.Text == "":
		return errors.New("a letter needs a kind, a subject and a text")
	case l.Lane == Code && l.Expires.IsZero():
		return errors.New("a letter in the code lane needs an expiry")
	case l.ReplyTo != "" && Addressable(l.ReplyTo) != nil:
		return fmt.Errorf("reply to: %w", ErrAddress)
	case len(l.Mark) > longMark || strings.Trim(l.Mark, "abcdefghijklmnopqrstuvwxyz0123456789.") != "":
		return errors.New("a mark is of small letters, digits and dots")
	}
	return Addressable(l.To)
}

// line makes words fit for a header: line breaks and other control characters
// become spaces, so that a name typed by a stranger cannot begin a new header.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(s), " ")
}

// plain makes words fit for a body: lines end in \n and no other control
// character stays but the tab.
func plain(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)) + "\n"
}

// page is a text as HTML: its paragraphs, escaped. There is nothing in it that
// the text does not say, and nothing that a reader's program would fetch.
func page(lang phrase.Lang, subject, text string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!doctype html>\n<html lang=\"%s\">\n<head><meta charset=\"utf-8\"><title>%s</title></head>\n<body>\n",
		html.EscapeString(string(lang)), html.EscapeString(subject))
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if paragraph = strings.Trim(paragraph, "\n"); paragraph != "" {
			b.WriteString("<p>" + strings.ReplaceAll(html.EscapeString(paragraph), "\n", "<br>\n") + "</p>\n")
		}
	}
	b.WriteString("</body>\n</html>\n")
	return b.String()
}

// domain is the part of a From that stands in Message-IDs. Where there is none
// that may, a name that never exists (RFC 6761 §6.4).
func domain(from string) string {
	parsed, err := netmail.ParseAddress(from)
	if err != nil || !ascii(parsed.Address) {
		return "nidan.invalid"
	}
	return parsed.Address[strings.LastIndex(parsed.Address, "@")+1:]
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// trouble is how long letters that are not codes are tried for.
const trouble = 72 * time.Hour

// backOff is how long a letter waits after its nth failed try; ok is false when
// it has been tried long enough. A code is tried until its expiry.
func backOff(lane Lane, tries int) (wait time.Duration, ok bool) {
	if lane == Code {
		steps := []time.Duration{time.Second, 3 * time.Second, 10 * time.Second, 30 * time.Second}
		return steps[min(max(tries, 1), len(steps))-1], true
	}
	wait = 30 * time.Second
	waited := wait
	for range tries - 1 {
		wait = min(2*wait, time.Hour)
		waited += wait
		if waited > trouble {
			return 0, false
		}
	}
	return wait, true
}

// fate is what becomes of a letter after a try.
type fate struct {
	end     end
	due     time.Time // again: when
	failure string    // again, parked: why
	refused Failure   // parked: the relay's answer, where it was about the mailbox
}

type end int

const (
	again end = iota
	sent
	dropped
	parked
	back // not tried: it stands as it did
)

// decide is the one rule of the outbox: what becomes of a letter that was tried
// for the nth time and came back with err.
func decide(lane Lane, tries int, now time.Time, err error) fate {
	if err == nil {
		return fate{end: sent}
	}
	why := cut(line(err.Error()))
	var failure *Failure
	if errors.As(err, &failure) && failure.Permanent {
		f := fate{end: parked, failure: why}
		if failure.aboutTheMailbox() {
			f.refused = *failure
		}
		return f
	}
	wait, ok := backOff(lane, tries)
	if !ok {
		return fate{end: parked, failure: "given up after three days: " + why}
	}
	return fate{end: again, due: now.Add(wait), failure: why}
}

// expired says whether a letter must not be sent any more.
func expired(expires, now time.Time) bool { return !expires.IsZero() && !now.Before(expires) }

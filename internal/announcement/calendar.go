package announcement

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"nidan/internal/maintenance"
	"nidan/internal/page"
	"nidan/internal/rollout"
)

// lastHour is how long before the end its entry begins: a program that shows an
// instant at midnight shows it on the day after the last one.
const lastHour = time.Hour

// Calendar is the announcement as a calendar file (RFC 5545): the opening, the
// last hour and each window, also those that were taken back. Nothing in it
// depends on when it is asked for, so that a program sees a change where there is
// one: an entry keeps its UID, and SEQUENCE rises. base is the portal's address.
func Calendar(say page.Speaker, f Facts, base string) []byte {
	c := calendar{teller: teller{f.In(say), f}, base: base}
	c.put("BEGIN", "VCALENDAR")
	c.put("VERSION", "2.0")
	c.put("PRODID", "-//Nidan//Announcement//EN")
	c.put("CALSCALE", "GREGORIAN")
	c.put("METHOD", "PUBLISH")
	c.text("NAME", c.t("calendar_name")) // RFC 7986 §5.1
	c.text("X-WR-CALNAME", c.t("calendar_name"))
	c.put("REFRESH-INTERVAL;VALUE=DURATION", "PT6H") // RFC 7986 §5.7
	if f.Earlier.ID != "" {
		c.period(f.Earlier, f.Earlier.Ends, f.Earlier.Withdrawn)
	}
	if f.Plan.ID != "" {
		c.period(f.Plan, f.Ends, f.Saved)
	}
	for _, list := range [][]maintenance.Window{f.Windows, f.Cancelled} {
		for _, w := range list {
			c.window(w)
		}
	}
	c.put("END", "VCALENDAR")
	return []byte(c.String())
}

type calendar struct {
	teller
	strings.Builder
	base string
}

// put writes a content line, folded.
func (c *calendar) put(name, value string) {
	fold(&c.Builder, name+":"+value)
}

// text writes a property of type TEXT in the calendar's language.
func (c *calendar) text(name, value string) {
	c.put(name+";LANGUAGE="+string(c.Lang), escape(value))
}

// stamp is an instant in UTC (RFC 5545 §3.3.5, form 2).
func stamp(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// event is what its entries have in common.
type event struct {
	uid           string
	saved         time.Time
	sequence      int64
	from, until   time.Time // until: zero for an instant
	cancelled     bool
	summary, text string
	alarm         string
}

func (c *calendar) event(e event) {
	c.put("BEGIN", "VEVENT")
	c.put("UID", e.uid+"@nidan")
	c.put("DTSTAMP", stamp(e.saved))
	c.put("LAST-MODIFIED", stamp(e.saved))
	c.put("SEQUENCE", strconv.FormatInt(e.sequence, 10))
	c.put("DTSTART", stamp(e.from))
	if !e.until.IsZero() {
		c.put("DTEND", stamp(e.until))
	}
	status := "CONFIRMED"
	if e.cancelled {
		status = "CANCELLED"
	}
	c.put("STATUS", status)
	c.put("TRANSP", "TRANSPARENT") // nobody is busy because of it
	c.text("SUMMARY", e.summary)
	c.text("DESCRIPTION", e.text)
	if c.base != "" {
		c.put("URL", c.base+"/announcement")
	}
	if e.alarm != "" && !e.cancelled {
		c.put("BEGIN", "VALARM")
		c.put("ACTION", "DISPLAY")
		c.put("TRIGGER;RELATED=END", "-P1W")
		c.text("DESCRIPTION", e.alarm)
		c.put("END", "VALARM")
	}
	c.put("END", "VEVENT")
}

// period writes a plan's opening and its last hour, as they were saved.
func (c *calendar) period(p rollout.Plan, end, saved time.Time) {
	opens, ends := c.Moment(p.Opens), c.End(end)
	cancelled := !p.Withdrawn.IsZero()
	c.event(event{uid: "opens." + p.ID, saved: saved, sequence: p.Version, from: p.Opens, cancelled: cancelled,
		summary: c.t("calendar_opens"), text: c.t("calendar_opens_text", "opens", opens, "ends", ends)})
	c.event(event{uid: "ends." + p.ID, saved: saved, sequence: p.Version, from: end.Add(-lastHour), until: end, cancelled: cancelled,
		summary: c.t("calendar_ends"), text: c.t("calendar_ends_text", "ends", ends), alarm: c.t("calendar_alarm", "ends", ends)})
}

// window writes a maintenance window, which is planned once, and may once be
// cancelled or ended early.
func (c *calendar) window(w maintenance.Window) {
	e := event{uid: "window." + w.ID, saved: w.Planned, from: w.Opens, until: w.Closes, cancelled: !w.Cancelled.IsZero(),
		summary: c.t("calendar_window"), text: c.t("calendar_window_text", "opens", c.Moment(w.Opens), "closes", c.End(w.Closes),
			"length", c.length(w.Closes.Sub(w.Opens)))}
	switch {
	case e.cancelled:
		e.saved, e.sequence = w.Cancelled, 1
	case !w.LiftedFrom.IsZero(): // ended early, at the moment at which it closed
		e.saved, e.sequence, e.text = w.Closes, 1, c.lifted(w).Text
		if least := w.Opens.Add(time.Second); w.Closes.Before(least) {
			e.until = least // an end lies behind its beginning, in whole seconds
		}
	}
	c.event(e)
}

// escape writes a TEXT value (RFC 5545 §3.3.11), which holds no control character
// but the line's end.
func escape(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`).Replace(text)
}

// octets is how long a line may be, without its end (RFC 5545 §3.1).
const octets = 75

// fold writes a content line in pieces of at most 75 octets, the later ones behind
// a blank that counts, and never apart within a character.
func fold(b *strings.Builder, line string) {
	room := octets
	for len(line) > room {
		cut := room
		for cut > 0 && !utf8.RuneStart(line[cut]) {
			cut--
		}
		b.WriteString(line[:cut] + "\r\n ")
		line, room = line[cut:], octets-1
	}
	b.WriteString(line + "\r\n")
}

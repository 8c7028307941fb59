package announcement

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"nidan/internal/maintenance"
	"nidan/internal/phrase"
	"nidan/internal/rollout"
)

// component is a part of a calendar file, as a strict reader sees it.
type component struct {
	name  string
	props map[string]string // TEXT values unescaped
	parts []*component
}

var (
	contentLine = regexp.MustCompile(`^([A-Z-]+)((?:;[A-Z-]+=[A-Za-z0-9-]+)*):(.*)$`)
	utc         = regexp.MustCompile(`^\d{8}T\d{6}Z$`)
	ofText      = []string{"SUMMARY", "DESCRIPTION", "NAME", "X-WR-CALNAME"}
)

// read reads a calendar file and refuses whatever RFC 5545 does.
func read(file []byte) (*component, error) {
	if !bytes.HasSuffix(file, []byte("\r\n")) || !utf8.Valid(file) {
		return nil, fmt.Errorf("not lines of UTF-8 that end in CRLF")
	}
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSuffix(string(file), "\r\n"), "\r\n") {
		switch {
		case len(line) > octets:
			return nil, fmt.Errorf("%d octets in %q", len(line), line)
		case !utf8.ValidString(line):
			return nil, fmt.Errorf("a character was cut in %q", line)
		case strings.ContainsFunc(line, unicode.IsControl):
			return nil, fmt.Errorf("a control character in %q", line)
		case strings.HasPrefix(line, " "):
			if len(lines) == 0 {
				return nil, fmt.Errorf("the file begins within a line")
			}
			lines[len(lines)-1] += line[1:]
		default:
			lines = append(lines, line)
		}
	}
	root := &component{}
	stack := []*component{root}
	for _, line := range lines {
		found := contentLine.FindStringSubmatch(line)
		if found == nil {
			return nil, fmt.Errorf("no content line: %q", line)
		}
		name, value, in := found[1], found[3], stack[len(stack)-1]
		switch name {
		case "BEGIN":
			next := &component{name: value, props: map[string]string{}}
			in.parts, stack = append(in.parts, next), append(stack, next)
			continue
		case "END":
			if in.name != value {
				return nil, fmt.Errorf("%s ends as %s", in.name, value)
			}
			stack = stack[:len(stack)-1]
			continue
		}
		if in == root {
			return nil, fmt.Errorf("%q stands outside", line)
		}
		if slices.Contains(ofText, name) {
			var err error
			if value, err = unescape(value); err != nil {
				return nil, err
			}
		}
		if _, twice := in.props[name]; twice {
			return nil, fmt.Errorf("%s has %s twice", in.name, name)
		}
		in.props[name] = value
	}
	if len(stack) != 1 || len(root.parts) != 1 {
		return nil, fmt.Errorf("not one whole calendar")
	}
	return root.parts[0], root.parts[0].complete()
}

// unescape reads a TEXT value; what had to be escaped and is not, is refused.
func unescape(value string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == ';' || c == ',':
			return "", fmt.Errorf("a bare %c in %q", c, value)
		case c != '\\':
			b.WriteByte(c)
		case i+1 == len(value) || !strings.ContainsRune(`\;,nN`, rune(value[i+1])):
			return "", fmt.Errorf("a wrong escape in %q", value)
		default:
			if i++; value[i] == 'n' || value[i] == 'N' {
				b.WriteByte('\n')
			} else {
				b.WriteByte(value[i])
			}
		}
	}
	return b.String(), nil
}

// complete says what a calendar lacks.
func (c *component) complete() error {
	if c.name != "VCALENDAR" || c.props["VERSION"] != "2.0" || c.props["PRODID"] == "" || len(c.parts) == 0 {
		return fmt.Errorf("no calendar: %v", c.props)
	}
	seen := map[string]bool{}
	for _, e := range c.parts {
		uid := e.props["UID"]
		if e.name != "VEVENT" || uid == "" || seen[uid] {
			return fmt.Errorf("%s %q", e.name, uid)
		}
		seen[uid] = true
		for _, name := range []string{"DTSTAMP", "DTSTART", "LAST-MODIFIED"} {
			if !utc.MatchString(e.props[name]) {
				return fmt.Errorf("%s: %s is %q", uid, name, e.props[name])
			}
		}
		if end, ok := e.props["DTEND"]; ok && (!utc.MatchString(end) || end <= e.props["DTSTART"]) {
			return fmt.Errorf("%s ends at %q", uid, end)
		}
		if n, err := strconv.Atoi(e.props["SEQUENCE"]); err != nil || n < 0 {
			return fmt.Errorf("%s: sequence %q", uid, e.props["SEQUENCE"])
		}
		for _, a := range e.parts {
			if a.name != "VALARM" || a.props["ACTION"] != "DISPLAY" || a.props["DESCRIPTION"] == "" || a.props["TRIGGER"] == "" {
				return fmt.Errorf("%s: alarm %v", uid, a.props)
			}
		}
	}
	return nil
}

// calendarOf writes a calendar and reads it.
func calendarOf(t *testing.T, rec Record, lang phrase.Lang, now time.Time) map[string]*component {
	t.Helper()
	file := Calendar(site(t, now).Speaker(lang, nil), rec.Facts(desk, "", now), "https://portal.example")
	c, err := read(file)
	if err != nil {
		t.Fatalf("%v\n%s", err, file)
	}
	events := map[string]*component{}
	for _, e := range c.parts {
		events[strings.TrimSuffix(e.props["UID"], "@nidan")] = e
	}
	return events
}

func (c *component) holds(t *testing.T, pairs ...string) {
	t.Helper()
	if c == nil {
		t.Fatalf("there is no such entry, wanted %q", pairs)
	}
	for i := 0; i < len(pairs); i += 2 {
		if got := c.props[pairs[i]]; got != pairs[i+1] {
			t.Errorf("%s: %s is %q, wanted %q", c.props["UID"], pairs[i], got, pairs[i+1])
		}
	}
}

func TestTheCalendarOf2018HasItsDatesInUTCAndAWeeksAlarm(t *testing.T) {
	for _, lang := range phrase.Langs {
		events := calendarOf(t, of2018(), lang, planned)
		if len(events) != 3 {
			t.Errorf("%d entries", len(events))
		}
		same := []string{"DTSTAMP", "20180201T030000Z", "STATUS", "CONFIRMED", "URL", "https://portal.example/announcement"}
		events["opens.plan"].holds(t, append(same, "DTSTART", "20180303T150000Z", "SEQUENCE", "1")...)
		events["ends.plan"].holds(t, append(same, "DTSTART", "20180424T140000Z", "DTEND", "20180424T150000Z", "SEQUENCE", "1")...)
		events["window.window"].holds(t, append(same, "DTSTART", "20180303T150000Z", "DTEND", "20180303T200000Z", "SEQUENCE", "0")...)
		if alarms := events["ends.plan"].parts; len(alarms) != 1 || alarms[0].props["TRIGGER"] != "-P1W" {
			t.Errorf("the end's alarms: %v", alarms)
		}
		text, want := events["ends.plan"].props["DESCRIPTION"], "After 24 Apr 2018, 24:00 JST (15:00 UTC) nobody signs in to Business Portal by 1 step."
		if lang == phrase.Japanese {
			want = "2018年4月24日(火) 24:00 JST (15:00 UTC) を過ぎると、"
		}
		if !strings.HasPrefix(text, want) {
			t.Errorf("%q", text)
		}
	}
}

func TestTheCalendarDoesNotChangeByItself(t *testing.T) {
	s, rec := site(t, planned), of2018()
	say := s.Speaker(phrase.Japanese, nil)
	first := Calendar(say, rec.Facts(desk, "", planned), "")
	for _, now := range []time.Time{opens, during, ends, ends.AddDate(1, 0, 0)} {
		if again := Calendar(say, rec.Facts(desk, "", now), ""); !bytes.Equal(first, again) {
			t.Errorf("at %v:\n%s\nbefore:\n%s", now, again, first)
		}
	}
}

func TestAMovedDateKeepsItsUIDAndRaisesItsSequence(t *testing.T) {
	rec := of2018()
	saved := planned.AddDate(0, 0, 3)
	rec.change(saved, func(p *rollout.Plan) { p.Ends = ends.AddDate(0, 0, 7) })
	events := calendarOf(t, rec, phrase.English, saved)
	events["ends.plan"].holds(t, "SEQUENCE", "2", "DTSTAMP", "20180204T030000Z", "DTEND", "20180501T150000Z")
	events["window.window"].holds(t, "SEQUENCE", "0", "DTSTAMP", "20180201T030000Z")
}

func TestWhatWasTakenBackIsCancelledAndNotForgotten(t *testing.T) {
	rec := of2018()
	rec.Book.Plans[0].Withdrawn, rec.Book.Plans[0].Version = during, 2
	rec.Versions["plan"] = append([]rollout.Version{{Plan: rec.Book.Plans[0], What: "withdrawn", Saved: during}}, rec.Versions["plan"]...)
	rec.Windows = append(rec.Windows, maintenance.Window{ID: "other", Opens: opens.Add(24 * time.Hour), Closes: opens.Add(26 * time.Hour),
		Planned: planned, Cancelled: planned.AddDate(0, 0, 1)})
	check := func(events map[string]*component) {
		t.Helper()
		for _, uid := range []string{"opens.plan", "ends.plan"} {
			events[uid].holds(t, "STATUS", "CANCELLED", "SEQUENCE", "2", "DTSTAMP", "20180312T010000Z")
			if len(events[uid].parts) != 0 {
				t.Errorf("%s still has an alarm", uid)
			}
		}
		events["window.other"].holds(t, "STATUS", "CANCELLED", "SEQUENCE", "1", "DTSTAMP", "20180202T030000Z")
		events["window.window"].holds(t, "STATUS", "CONFIRMED")
	}
	check(calendarOf(t, rec, phrase.English, during))
	rec.Book.Plans = append(rec.Book.Plans, rollout.Plan{ID: "second", Opens: opens.AddDate(0, 0, 10), Ends: ends.AddDate(0, 0, 9),
		Planned: during.Add(time.Hour), Version: 1})
	events := calendarOf(t, rec, phrase.English, during.Add(2*time.Hour))
	events["ends.second"].holds(t, "STATUS", "CONFIRMED", "SEQUENCE", "1", "DTSTAMP", "20180312T020000Z")
	for _, uid := range []string{"opens.plan", "ends.plan"} {
		events[uid].holds(t, "STATUS", "CANCELLED", "SEQUENCE", "2", "DTSTAMP", "20180312T010000Z")
	}
}

func TestAWindowEndedEarlyIsShorterInAllWritings(t *testing.T) {
	rec := of2018()
	w := &rec.Windows[0]
	w.LiftedFrom, w.Closes = w.Closes, opens.Add(2*time.Hour)
	calendarOf(t, rec, phrase.English, during)["window.window"].holds(t,
		"DTEND", "20180303T170000Z", "SEQUENCE", "1", "DTSTAMP", "20180303T170000Z", "STATUS", "CONFIRMED")
	_, text := Text(site(t, during).Speaker(phrase.English, nil), rec.Facts(desk, "", during))
	const want = "until 4 Mar 2018, 02:00 JST (3 Mar, 17:00 UTC). It was planned until 4 Mar 2018, 05:00 JST (3 Mar, 20:00 UTC) and ended early."
	if !strings.Contains(text, want) {
		t.Error(text)
	}
	w.Closes = opens.Add(time.Microsecond)
	calendarOf(t, rec, phrase.Japanese, during)["window.window"].holds(t, "DTSTART", "20180303T150000Z", "DTEND", "20180303T150001Z")
}

func TestTheStrictReaderRefusesWhatIsWrong(t *testing.T) {
	good := string(Calendar(site(t, planned).Speaker(phrase.English, nil), of2018().Facts(desk, "", planned), ""))
	for name, bad := range map[string]string{
		"bare line feeds":      strings.ReplaceAll(good, "\r\n", "\n"),
		"a long line":          strings.ReplaceAll(good, "\r\n ", ""),
		"a bare comma":         strings.ReplaceAll(good, `\,`, ","),
		"a local time":         strings.ReplaceAll(good, "DTSTART:20180303T150000Z", "DTSTART:20180304T000000"),
		"one UID for all":      regexp.MustCompile(`UID:\S+`).ReplaceAllString(good, "UID:x"),
		"an entry without end": strings.Replace(good, "END:VEVENT\r\n", "", 1),
	} {
		if _, err := read([]byte(bad)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// Lines of every length and mixture come out whole again, each piece as long as it
// may be and no character cut.
func TestFoldedLinesUnfoldToWhatTheyWere(t *testing.T) {
	random := rand.New(rand.NewPCG(5545, 31))
	letters := []rune{'a', 'é', '二', '𠮷', '🔑', ' ', '\\', 'ß'}
	for range 20_000 {
		line := make([]rune, random.IntN(260))
		for i := range line {
			line[i] = letters[random.IntN(1+random.IntN(len(letters)))]
		}
		var b strings.Builder
		fold(&b, string(line))
		if got := strings.ReplaceAll(strings.TrimSuffix(b.String(), "\r\n"), "\r\n ", ""); got != string(line) {
			t.Fatalf("%q came out as %q", string(line), got)
		}
		pieces := strings.Split(strings.TrimSuffix(b.String(), "\r\n"), "\r\n")
		for i, piece := range pieces {
			last := i == len(pieces)-1
			if len(piece) > octets || !utf8.ValidString(piece) || (!last && len(piece) < octets-3) || (i > 0 && piece[0] != ' ') {
				t.Fatalf("piece %d of %q: %q, %d octets", i, string(line), piece, len(piece))
			}
		}
	}
}

func TestEscapedTextIsReadAsItWas(t *testing.T) {
	for text, want := range map[string]string{
		"a, b; c\\d\nnext": "a, b; c\\d\nnext", "\\n is no line": "\\n is no line", "bell\a and\ttab": "bell andtab", "": "",
		"二段階認証、, ;": "二段階認証、, ;", "\r\nBEGIN:VALARM": "\nBEGIN:VALARM", "cut \xff": "cut \uFFFD",
	} {
		if got, err := unescape(escape(text)); err != nil || got != want {
			t.Errorf("%q came out as %q, %v", text, got, err)
		}
	}
}

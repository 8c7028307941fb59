package announcement

import (
	"strings"
	"time"

	"nidan/internal/maintenance"
	"nidan/internal/page"
	"nidan/internal/phrase"
)

// Section is a part of the announcement. The first has no title.
type Section struct {
	ID, Title string
	Lines     []Line
}

// Line is a paragraph; with a Label, a fact under that name. Link is a page of the
// portal that says more, called Name.
type Line struct {
	Label, Text string
	Link, Name  string
	Mail        bool // Text is a mail address
}

// The guides' addresses.
const (
	GuideAdmin   = "/guide/portal-admin"
	GuideUser    = "/guide/general-user"
	GuideApps    = "/guide/apps"
	GuideTickets = "/guide/tickets"
	GuideMailOTP = GuideAdmin + "#change-to-mailotp"
)

// teller writes the sections to one reader: page and letter have the same ones.
type teller struct {
	page.Speaker
	Facts
}

// In is a speaker that says dates in the zone of the announced plan.
func (f Facts) In(say page.Speaker) page.Speaker {
	say.Zones.House = f.Zone
	return say
}

// Sections are the announcement, in order.
func Sections(say page.Speaker, f Facts) []Section {
	w := teller{f.In(say), f}
	list := []Section{w.lead()}
	if f.State != None {
		list = append(list, w.message(), w.dates(), w.changes())
	}
	list = append(list, w.what(), w.methods())
	list = append(list, w.guides(), w.questions())
	kept := list[:0]
	for _, s := range list {
		if len(s.Lines) > 0 {
			kept = append(kept, s)
		}
	}
	return kept
}

func (w teller) t(key string, args ...any) string {
	return w.T("announcement."+key, append(args, "portal", w.Portal)...)
}

func (w teller) section(id string, lines ...Line) Section {
	return Section{ID: id, Title: w.t(id + "_title"), Lines: lines}
}

func (w teller) say(key string, args ...any) Line { return Line{Text: w.t(key, args...)} }

func (w teller) fact(label, key string, args ...any) Line {
	return Line{Label: w.t(label), Text: w.t(key, args...)}
}

func (w teller) link(to, name string) Line { return Line{Link: to, Name: w.t(name)} }

// lead says what changes and why, and whom it binds.
func (w teller) lead() Section {
	s := Section{ID: "lead"}
	switch w.State {
	case None:
		s.Lines = []Line{w.say("none"), w.say("none_now")}
	case Withdrawn:
		when := w.Moment(w.Plan.Withdrawn)
		s.Lines = []Line{w.say("why_withdrawn", "when", when), w.say("withdrawn_now", "when", when), w.say("must_ended")}
	case Ended:
		s.Lines = []Line{w.say("why_ended"), w.say("must_ended")}
	default:
		s.Lines = []Line{w.say("why"), w.say("must")}
	}
	return s
}

// message is the operator's own words, a line for each paragraph.
func (w teller) message() Section {
	var lines []Line
	text := strings.ReplaceAll(w.Plan.Message.In(w.Lang), "\r\n", "\n")
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if paragraph = strings.TrimSpace(paragraph); paragraph != "" {
			lines = append(lines, Line{Text: paragraph})
		}
	}
	return w.section("message", lines...)
}

func (w teller) dates() Section {
	opens, ends := w.Moment(w.Plan.Opens), w.End(w.Ends)
	lines := []Line{w.fact("period", "period_"+string(w.State), "opens", opens, "ends", ends)}
	if w.State != Withdrawn {
		lines = append(lines, w.fact("after", "after_"+string(w.State), "ends", ends))
	}
	for _, x := range w.Windows {
		switch {
		case !x.LiftedFrom.IsZero():
			lines = append(lines, w.lifted(x))
		case w.Now.Before(x.Closes):
			lines = append(lines, w.window("window", x))
		default:
			lines = append(lines, w.window("window_past", x))
		}
	}
	for _, x := range w.Cancelled {
		lines = append(lines, w.window("window_cancelled", x))
	}
	if w.Plan.Organization == "" && w.State != Withdrawn {
		lines = append(lines, w.say("own_dates"))
	}
	return w.section("dates", lines...)
}

func (w teller) window(key string, x maintenance.Window) Line {
	return w.fact("maintenance", key, "opens", w.Moment(x.Opens), "closes", w.End(x.Closes), "length", w.length(x.Closes.Sub(x.Opens)))
}

func (w teller) lifted(x maintenance.Window) Line {
	return w.fact("maintenance", "window_lifted", "opens", w.Moment(x.Opens), "closes", w.End(x.Closes), "planned", w.End(x.LiftedFrom))
}

// length is an exact length of time. Span rounds, and a window is as long as it is.
func (w teller) length(d time.Duration) string {
	minutes := int(d.Round(time.Minute) / time.Minute)
	hours := minutes / 60
	minutes %= 60
	switch {
	case hours == 0:
		return w.T("phrase.minutes", "n", minutes)
	case minutes == 0:
		return w.T("phrase.hours", "n", hours)
	}
	return w.T("phrase.hours", "n", hours) + w.gap() + w.T("phrase.minutes", "n", minutes)
}

// gap stands between two words or sentences; Japanese has none there.
func (w teller) gap() string {
	if w.Lang == phrase.Japanese {
		return ""
	}
	return " "
}

// changes say what the dates were before they were moved.
func (w teller) changes() Section {
	var lines []Line
	for _, c := range w.Changes {
		when := w.Moment(c.At)
		if !c.Opens.IsZero() {
			lines = append(lines, w.say("changed_opens", "when", when, "was", w.Moment(c.Opens)))
		}
		if !c.Ends.IsZero() {
			lines = append(lines, w.say("changed_ends", "when", when, "was", w.End(c.Ends)))
		}
	}
	if w.Earlier.ID != "" {
		lines = append(lines, w.say("earlier", "when", w.Moment(w.Earlier.Withdrawn)))
	}
	return w.section("changes", lines...)
}

func (w teller) what() Section { return w.section("what", w.say("what")) }

// methods say what the second verification is, and who has which.
func (w teller) methods() Section {
	totp, mailed, only := w.fact("totp", "totp_is"), w.fact("mailotp", "mailotp_is"), w.say("only_admin")
	mailed.Text += w.gap() + w.t("mailotp_address")
	totp.Link, totp.Name = GuideApps, w.t("to_apps")
	only.Link, only.Name = GuideMailOTP, w.t("to_mailotp")
	return w.section("methods", totp, mailed, w.fact("admin", "admin_selects"), w.fact("user", "user_totp"), only)
}

func (w teller) guides() Section {
	return w.section("guides", w.link(GuideAdmin, "to_admin"), w.link(GuideUser, "to_user"),
		w.link(GuideApps, "to_apps"), w.link(GuideTickets, "to_tickets"))
}

func (w teller) questions() Section {
	var lines []Line
	if w.Contact != "" {
		lines = append(lines, Line{Label: w.t("mail"), Text: w.Contact, Mail: true})
	}
	if w.Contact != "" && w.Hours != "" {
		lines = append(lines, Line{Label: w.t("hours"), Text: w.Hours})
	}
	ticket := w.fact("ticket", "ticket_is")
	ticket.Link, ticket.Name = GuideTickets, w.t("to_tickets")
	return w.section("questions", append(lines, ticket, w.link("/contact", "to_contact"))...)
}

package reminder

import (
	"slices"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/announcement"
	"nidan/internal/mail"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/progress"
	"nidan/internal/rollout"
)

// Desk writes the letters.
type Desk struct {
	Site    *page.Site
	Address string // the portal's, as people type it: host and path, no scheme, which mail programs would make a link of
}

// occasion is what a letter's words depend on beside the reader's name, so that
// the same words are put together once and not for everybody.
type occasion struct {
	what   What
	plan   string
	ownEnd time.Time
	lang   phrase.Lang
	zone   string
	admin  bool
	method account.Method
	open   progress.Figures // of the organization, to a Portal Admin alone
}

// words are a letter's subject, and its text but for the name.
type words struct{ subject, text string }

// pen writes the letters of one round, and remembers what it has put together.
type pen struct {
	desk      *Desk
	plan      rollout.Plan
	opens     time.Time          // when the set-up can be done first
	announced announcement.Facts // of the plan; its zero value where nothing is announced
	made      map[occasion]words
}

// pen takes up a plan's letters, as things stand at now.
func (d *Desk) pen(p planned, plan rollout.Plan, opens, now time.Time) *pen {
	rec := announcement.Record{Book: p.book, Windows: p.windows, Versions: map[string][]rollout.Version{plan.ID: slices.Clone(p.versions[plan.ID])}}
	slices.Reverse(rec.Versions[plan.ID]) // it has the newest first
	facts := rec.Facts(announcement.Desk{Portal: d.Site.Name, Contact: d.Site.Contact, Hours: d.Site.Hours, House: d.Site.House}, plan.Organization, now)
	if facts.Plan.ID != plan.ID {
		facts = announcement.Facts{}
	}
	return &pen{desk: d, plan: plan, opens: opens, announced: facts, made: map[occasion]words{}}
}

// write is one person's letter. figures are those of the organization, which only
// a Portal Admin is told; until is when the letter has lost its sense.
func (p *pen) write(what What, o rollout.Open, ownEnd time.Time, figures progress.Figures, until time.Time) mail.Letter {
	kind, _ := what.Kind()
	at := occasion{what: kind, plan: p.plan.ID, ownEnd: ownEnd, lang: o.Language, zone: o.Zone,
		admin: o.Authority == account.PortalAdmin, method: o.Method}
	if at.admin {
		at.open = figures
	}
	w, ok := p.made[at]
	if !ok {
		w = p.put(at)
		p.made[at] = w
	}
	say := p.desk.Site.Speaker(o.Language, nil)
	return mail.Letter{Organization: o.Organization, Holder: o.ID, Lane: mail.Bulk, Kind: mail.Reminder, To: o.Email,
		Language: o.Language, Subject: w.subject, Text: say.T("reminder.greeting", "name", o.Name) + "\n\n" + w.text, Expires: until}
}

// put puts the words of an occasion together.
func (p *pen) put(at occasion) words {
	site := p.desk.Site
	say := site.Speaker(at.lang, phrase.Location(at.zone))
	say.Zones.House = p.plan.Location(site.House)
	who := "user"
	if at.admin {
		who = "admin"
	}
	args := []any{"portal", site.Name, "opens", say.Moment(p.opens), "end", say.End(at.ownEnd), "address", p.desk.Address,
		"contact", site.Contact, "hours", site.Hours, "n", at.open.Open(), "all", at.open.Accounts}
	if at.what == Announcement && p.announced.Plan.ID != "" {
		return p.announce(say, at, who, args)
	}
	key := string(at.what)
	lines := []string{say.T("reminder."+key+"_text", args...), say.T("reminder.until", args...) + gap(at.lang) + say.T("reminder.back_"+who, args...)}
	if message := strings.TrimSpace(p.plan.Message.In(at.lang)); message != "" {
		lines = append(lines, message)
	}
	lines = append(lines, p.steps(say, at, args), say.T("reminder.guides_"+who, args...))
	if at.admin {
		lines = append(lines, say.T("reminder.admin", args...))
	}
	help := say.T("reminder.help_"+who, args...)
	if site.Contact != "" {
		contact := "reminder.contact"
		if site.Hours != "" {
			contact = "reminder.contact_hours"
		}
		help += gap(at.lang) + say.T(contact, args...)
	}
	lines = append(lines, help, say.T("reminder.never", args...))
	return words{subject: say.T("reminder."+key+"_subject", args...), text: strings.Join(lines, "\n\n")}
}

// announce is the announcement in full, with the reader's own end, and what to do.
func (p *pen) announce(say page.Speaker, at occasion, who string, args []any) words {
	facts := p.announced
	facts.Ends = at.ownEnd
	subject, text := announcement.Text(say, facts)
	lines := []string{strings.TrimSpace(text), p.steps(say, at, args)}
	if at.admin {
		lines = append(lines, say.T("reminder.admin", args...))
	}
	return words{subject, strings.Join(append(lines, say.T("reminder.help_"+who, args...), say.T("reminder.never", args...)), "\n\n")}
}

func (p *pen) steps(say page.Speaker, at occasion, args []any) string {
	key := "reminder.steps_totp"
	switch {
	case at.admin:
		key = "reminder.steps_choose"
	case at.method == account.MailOTP:
		key = "reminder.steps_mailotp"
	}
	return say.T(key, args...)
}

// gap stands between two sentences; Japanese has none there.
func gap(lang phrase.Lang) string {
	if lang == phrase.Japanese {
		return ""
	}
	return " "
}

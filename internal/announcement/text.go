package announcement

import (
	"strings"

	"nidan/internal/page"
	"nidan/internal/phrase"
)

// Text writes the announcement as a letter: subject, and plain text in paragraphs
// apart by an empty line. It greets nobody by name and holds no address that a
// mail program would make a link of, beside the help desk's: pages of the portal
// are named by their path, to be typed.
func Text(say page.Speaker, f Facts) (subject, text string) {
	say = f.In(say)
	subject = say.T("announcement.subject_"+string(f.State), "portal", f.Portal,
		"ends", say.End(f.Ends), "when", say.Moment(f.Plan.Withdrawn))
	var b strings.Builder
	for _, s := range Sections(say, f) {
		if s.Title != "" {
			b.WriteString(heading(say.Lang, s.Title) + "\n")
		}
		for _, line := range s.Lines {
			b.WriteString(plain(say, line) + "\n")
			if s.Title == "" {
				b.WriteString("\n")
			}
		}
		if s.Title != "" {
			b.WriteString("\n")
		}
	}
	b.WriteString(say.T("announcement.same_page"))
	return subject, b.String()
}

// plain is a line without markup.
func plain(say page.Speaker, l Line) string {
	text := l.Text
	if l.Label != "" {
		text = say.T("announcement.labelled", "label", l.Label, "text", l.Text)
	}
	if l.Link == "" {
		return text
	}
	link := say.T("announcement.linked", "name", l.Name, "path", l.Link)
	if text == "" {
		return link
	}
	return text + "\n" + link
}

// heading stands above a section: capitals, which Japanese does not have.
func heading(lang phrase.Lang, title string) string {
	if lang == phrase.Japanese {
		return "■ " + title
	}
	return strings.ToUpper(title)
}

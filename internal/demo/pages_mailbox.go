package demo

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"nidan/internal/account"
	"nidan/internal/mail"
	"nidan/internal/page"
)

type mailboxView struct {
	page.View
	To    string // only mails to this address; empty: all
	Mails []shownMail
}

type shownMail struct {
	To, Subject string
	At          time.Time
	Open        bool
	Paragraphs  [][]shownLine
}

// shownLine is a line of a mail: text, a code to type, or a link of this portal.
type shownLine struct{ Text, Code, Link string }

// mailbox is every mail that was sent, newest first.
func (rm *Room) mailbox(w http.ResponseWriter, r *http.Request) error {
	mails, err := mail.Caught(r.Context(), rm.DB, rm.Keys)
	if err != nil {
		return err
	}
	view := &mailboxView{To: strings.TrimSpace(r.URL.Query().Get("to"))}
	for _, m := range mails {
		if view.To == "" || account.Key(m.To) == account.Key(view.To) {
			view.Mails = append(view.Mails, shownMail{To: m.To, Subject: m.Subject, At: m.At,
				Open: len(view.Mails) == 0, Paragraphs: paragraphs(m.Text)})
		}
	}
	return rm.pages.Show(w, r, http.StatusOK, "mailbox", "demo.mailbox_title", view)
}

// paragraphs are a mail's text. A link leads to this portal by whatever address
// the demo is reached, so only its path is kept.
func paragraphs(text string) [][]shownLine {
	var all [][]shownLine
	for part := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		var lines []shownLine
		for line := range strings.SplitSeq(strings.Trim(part, "\n"), "\n") {
			lines = append(lines, lineOf(line))
		}
		all = append(all, lines)
	}
	return all
}

func lineOf(line string) shownLine {
	if code, indented := strings.CutPrefix(line, "    "); indented {
		return shownLine{Code: code}
	}
	if strings.HasPrefix(line, "http://") || strings.HasPrefix(line, "https://") {
		if u, err := url.Parse(line); err == nil && strings.HasPrefix(u.Path, "/") && !strings.HasPrefix(u.Path, "//") {
			return shownLine{Text: line, Link: u.RequestURI()}
		}
	}
	return shownLine{Text: line}
}

// mailJSON is a mail for programs.
type mailJSON struct {
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	HTML    string    `json:"html"`
	At      time.Time `json:"at"`
}

// mailboxJSON is the mailbox for programs.
func (rm *Room) mailboxJSON(w http.ResponseWriter, r *http.Request) error {
	mails, err := mail.Caught(r.Context(), rm.DB, rm.Keys)
	if err != nil {
		return err
	}
	list := make([]mailJSON, 0, len(mails))
	for _, m := range mails {
		list = append(list, mailJSON(m))
	}
	return answer(w, map[string]any{"mails": list})
}

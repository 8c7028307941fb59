package mail

import (
	"bytes"
	"io"
	netmail "net/mail"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	entity "github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // the character sets that mails are written in
	headers "github.com/emersion/go-message/mail"
)

// Read is what is read of a mail that came in. Nothing of it is proved: anybody
// can write any of it.
type Read struct {
	ID       string // its Message-ID without brackets; may be empty
	From     string // the address of its author; empty where there is not exactly one plain one
	FromName string
	To       []string // addresses of To and Cc
	Answers  []string // Message-IDs of what it answers to, without brackets: the nearest first
	Subject  string   // one line
	Text     string   // lines end in \n; what its HTML says where there is nothing else
	Files    []Enclosed
	Left     []string // names of files that were left out: beyond what is read, or broken
	More     bool     // there was more, in texts or parts beyond what is read
	Machine  string   // why it was written by a machine; empty: somebody wrote it
}

// Enclosed is a file within a mail. Its name is one line, and what its sender says.
type Enclosed struct {
	Name  string
	Bytes []byte
}

// Bounds of a mail that is read. What is beyond them is left out.
const (
	readDeep  = 8         // parts within parts
	readParts = 100       // of all
	readFiles = 20        // kept of these
	readText  = 256 << 10 // bytes of one text
	readNames = 50        // addresses
	readLine  = 1000      // characters of a header
	readIDs   = 20        // of what it answers to, of each header
)

// ReadMail reads a mail whole; false for what is none. It never fails on a part: a
// broken one tells as much as could be read of it.
func ReadMail(content []byte) (Read, bool) {
	m, err := entity.Read(bytes.NewReader(content))
	if m == nil || err != nil && !entity.IsUnknownCharset(err) && !entity.IsUnknownEncoding(err) {
		return Read{}, false
	}
	h := headers.Header{Header: m.Header}
	r := Read{Machine: machine(m.Header), Subject: brief(headerText(m.Header, "Subject"), readLine)}
	r.ID, _ = h.MessageID()
	if r.ID = brief(r.ID, readLine); !utf8.ValidString(r.ID) {
		r.ID = ""
	}
	if from, err := h.AddressList("From"); err == nil && len(from) == 1 && Addressable(from[0].Address) == nil {
		r.From, r.FromName = from[0].Address, brief(from[0].Name, readLine)
	}
	for _, field := range []string{"To", "Cc"} {
		list, _ := h.AddressList(field)
		for _, one := range list {
			if len(r.To) < readNames {
				r.To = append(r.To, one.Address)
			}
		}
	}
	r.Answers = append(r.Answers, messageIDs(m.Header.Get("In-Reply-To"))...)
	r.Answers = append(r.Answers, messageIDs(m.Header.Get("References"))...)
	var w walk
	r.Text = strings.TrimSpace(w.text(m, 0))
	r.Files, r.Left, r.More = w.files, w.left, w.more
	return r, true
}

// headerText is a header without its encoding, or as it came where that is broken.
func headerText(h entity.Header, name string) string {
	if text, err := h.Text(name); err == nil {
		return text
	}
	return h.Get(name)
}

// bracketed is one Message-ID in a header: whatever else stands there is passed over,
// since programs write much of it that is none (RFC 5322 §3.6.4 and 4.5.4).
var bracketed = regexp.MustCompile(`<([^<>\s]{1,900})>`)

// messageIDs are those of a header, the last first.
func messageIDs(header string) (ids []string) {
	header = header[max(0, len(header)-readIDs*readLine):]
	found := bracketed.FindAllStringSubmatch(header, -1)
	for _, one := range slices.Backward(found[max(0, len(found)-readIDs):]) {
		ids = append(ids, one[1])
	}
	return ids
}

// brief is a text as one line of at most so many characters.
func brief(text string, most int) string {
	text = line(text)
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// machine says why a mail was not written by a person (RFC 3834 §2, and what was
// used before it); an answer to such a mail may be answered by a machine again.
func machine(h entity.Header) string {
	word := func(name string) string {
		first, _, _ := strings.Cut(strings.ToLower(h.Get(name)), ";")
		return strings.TrimSpace(first)
	}
	if auto := word("Auto-Submitted"); auto != "" && auto != "no" {
		return "Auto-Submitted"
	}
	switch word("Precedence") {
	case "bulk", "list", "junk", "auto_reply":
		return "Precedence"
	}
	for _, name := range []string{"List-Id", "List-Unsubscribe", "X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Vacation", "X-Loop"} {
		if h.Has(name) {
			return name
		}
	}
	switch kind, _, _ := h.ContentType(); kind {
	case "multipart/report", "message/delivery-status", "message/disposition-notification":
		return "a report"
	}
	if from, err := netmail.ParseAddress(h.Get("From")); err == nil {
		if local, _, _ := strings.Cut(strings.ToLower(from.Address), "@"); local == "mailer-daemon" {
			return "a mail server"
		}
	}
	return ""
}

// walk goes through the parts of a mail.
type walk struct {
	parts int
	files []Enclosed
	left  []string
	more  bool
}

// text is what a part and the parts within it say; files are put aside.
func (w *walk) text(e *entity.Entity, deep int) string {
	if w.parts++; w.parts > readParts {
		w.more = true
		return ""
	}
	kind, params, _ := e.Header.ContentType()
	disposition, named, _ := e.Header.ContentDisposition()
	if parts := e.MultipartReader(); parts != nil {
		if deep >= readDeep {
			w.more = true
			return ""
		}
		return w.within(parts, kind == "multipart/alternative", deep+1)
	}
	name := named["filename"]
	if name == "" {
		name = params["name"]
	}
	words := disposition != "attachment" && name == ""
	switch {
	case words && (kind == "" || kind == "text/plain"):
		return plain(w.textOf(e))
	case words && kind == "text/html":
		return plain(htmlText(w.textOf(e)))
	case len(w.files) >= readFiles:
		w.left = append(w.left, fileName(name, kind))
	default:
		content, err := io.ReadAll(e.Body)
		if err != nil {
			w.left = append(w.left, fileName(name, kind))
		} else if len(content) > 0 {
			w.files = append(w.files, Enclosed{Name: fileName(name, kind), Bytes: content})
		}
	}
	return ""
}

// within is what several parts say: all of them one after the other, or of
// alternatives the first that says anything: the plainest stands first (RFC 2046 §5.1.4).
func (w *walk) within(parts entity.MultipartReader, alternative bool, deep int) string {
	var said []string
	for w.parts <= readParts {
		part, err := parts.NextPart()
		if part == nil || err != nil && !entity.IsUnknownCharset(err) && !entity.IsUnknownEncoding(err) {
			break
		}
		more := w.more
		text := strings.TrimSpace(w.text(part, deep))
		if alternative && len(said) > 0 {
			w.more = more // of what is not wanted nothing is missing
		} else if text != "" {
			said = append(said, text)
		}
	}
	return strings.Join(said, "\n\n")
}

func (w *walk) textOf(e *entity.Entity) string {
	content, _ := io.ReadAll(io.LimitReader(e.Body, readText+1)) // broken off: as far as it goes
	if len(content) > readText {
		content, w.more = content[:readText], true
	}
	return string(content)
}

// fileName is the name of an enclosed file without folders; one without a name is
// called by its kind.
func fileName(name, kind string) string {
	name = line(name)
	if cut := strings.LastIndexAny(name, `/\`); cut >= 0 {
		name = name[cut+1:]
	}
	if name = brief(strings.TrimSpace(name), 120); name != "" {
		return name
	}
	family, _, _ := strings.Cut(kind, "/")
	if family == "" || strings.ContainsFunc(family, func(r rune) bool { return r < 'a' || r > 'z' }) {
		family = "file"
	}
	return family
}

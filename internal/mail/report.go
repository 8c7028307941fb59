package mail

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"sync"

	entity "github.com/emersion/go-message"
	"github.com/emersion/go-message/textproto"
)

// report is what a mail to a bounce address tells of the letter it is about.
type report struct {
	failed bool   // it did not arrive, and no other try is made
	status string // enhanced status such as "5.1.1", where one is given
	words  string // the other side's, on one line
}

// Bounds of a delivery report. What is beyond them is not read.
const (
	reportParts      = 10
	reportRecipients = 50
)

// readReport reads a delivery report (RFC 3464). Everything else tells nothing: an
// answer of an absent reader, a mail that no report can be made out of. So does one
// of a delay. A list that the address stands for is reached when anybody on it is.
func readReport(content []byte) report {
	mail, err := entity.Read(bytes.NewReader(content))
	if mail == nil || err != nil && !entity.IsUnknownCharset(err) && !entity.IsUnknownEncoding(err) {
		return report{}
	}
	kind, params, err := mail.Header.ContentType()
	if err != nil || kind != "multipart/report" || !strings.EqualFold(params["report-type"], "delivery-status") {
		return report{}
	}
	parts := mail.MultipartReader()
	if parts == nil {
		return report{}
	}
	for range reportParts {
		part, err := parts.NextPart()
		if part == nil || errors.Is(err, io.EOF) {
			break
		}
		kind, _, _ := part.Header.ContentType()
		if kind == "message/delivery-status" || kind == "message/global-delivery-status" { // RFC 6533
			return readStatus(part.Body)
		}
	}
	return report{}
}

// readStatus reads the groups of fields of a report: one about the mail, then one
// about each recipient.
func readStatus(body io.Reader) (told report) {
	fields := bufio.NewReader(body)
	arrived := false
	for group := range reportRecipients + 1 {
		header, err := textproto.ReadHeader(fields)
		if group > 0 {
			switch action, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(header.Get("Action"))), " "); action {
			case "failed":
				if !told.failed {
					told = report{true, statusOf(header.Get("Status")), wordsOf(header.Get("Diagnostic-Code"))}
				}
			case "delivered", "relayed", "expanded":
				arrived = true
			}
		}
		if err != nil || blank(fields) {
			break
		}
	}
	if arrived {
		return report{}
	}
	return told
}

// blank skips empty lines and says whether nothing comes after them.
func blank(r *bufio.Reader) bool {
	for {
		next, err := r.Peek(1)
		if err != nil {
			return true
		}
		if next[0] != '\r' && next[0] != '\n' {
			return false
		}
		_, _ = r.Discard(1)
	}
}

func statusOf(field string) string { return enhanced().FindString(strings.TrimSpace(field)) }

// wordsOf are the words of a diagnostic code, without its type ("smtp; …").
func wordsOf(field string) string {
	if kind, rest, found := strings.Cut(field, ";"); found && !strings.ContainsAny(strings.TrimSpace(kind), " .") {
		field = rest
	}
	return cut(discreet().ReplaceAllString(line(field), "…"))
}

// discreet finds what in a stranger's words could be a code, or the token of a link,
// that he read in the mail: what the mail said is not known here any more.
var discreet = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\d{4} ?\d{4,}|\b[A-Z2-7]{12}\b|[\w-]{32,}`) })

package mail

import (
	"bytes"
	"fmt"
	netmail "net/mail"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"nidan/internal/phrase"
)

// compose is a message in its form on the wire (RFC 5322, MIME). It checks the
// recipient again: what stands in the outbox may have been written by a restore.
func compose(m Message) ([]byte, error) {
	from, err := netmail.ParseAddress(m.From)
	if err != nil {
		return nil, fmt.Errorf("from: %w", ErrAddress)
	}
	if err := Addressable(m.To); err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	encoding := gomail.EncodingQP
	if m.Language == phrase.Japanese {
		encoding = gomail.EncodingB64 // shorter than =E3=81=82 for each sign
	}
	msg := gomail.NewMsg(gomail.WithCharset(gomail.CharsetUTF8), gomail.WithEncoding(encoding),
		gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	msg.ToMailAddress(&netmail.Address{Address: m.To})
	if m.ReplyTo != "" {
		if err := Addressable(m.ReplyTo); err != nil {
			return nil, fmt.Errorf("reply to: %w", err)
		}
		if err := msg.ReplyTo(m.ReplyTo); err != nil {
			return nil, fmt.Errorf("reply to: %w", ErrAddress)
		}
	}
	msg.Subject(line(m.Subject))
	msg.SetMessageIDWithValue(m.MessageID)
	msg.SetDateWithValue(m.At)
	msg.SetGenHeader("Content-Language", string(m.Language))
	// No holiday answers to the portal (RFC 3834 §5, and Exchange's own word for it).
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetBodyString(gomail.TypeTextPlain, lines(m.Text))
	msg.AddAlternativeString(gomail.TypeTextHTML, lines(m.HTML))
	var wire bytes.Buffer
	wire.Grow(2048 + 3*(len(m.Text)+len(m.HTML))/2)
	if _, err := msg.WriteTo(&wire); err != nil {
		return nil, err
	}
	return wire.Bytes(), nil
}

// lines ends each line as RFC 2045 §6.8 has it, also in base64.
func lines(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
}

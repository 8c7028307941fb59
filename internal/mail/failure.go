package mail

import (
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"strings"
)

// Failure is why a letter was not taken, in the words of the SMTP dialogue.
type Failure struct {
	Step      string // what was being done: "connect", "rcpt to", …
	Code      int    // the relay's, or 0 where it did not answer
	Text      string // the relay's words, or the network's
	Permanent bool   // trying this letter again is of no use
}

// Error is one line such as "rcpt to: 550 5.1.1 no such mailbox".
func (f *Failure) Error() string {
	if f.Code == 0 {
		return f.Step + ": " + f.Text
	}
	return fmt.Sprintf("%s: %d %s", f.Step, f.Code, f.Text)
}

// failed reads what an SMTP client came back with. Only an answer about this
// letter can be permanent: who is refused before he names a recipient is refused
// himself (a password that was changed, a sender not allowed), and all his
// letters can still go once that is mended.
func failed(step string, err error) *Failure {
	f := &Failure{Step: step, Text: cut(line(err.Error()))}
	var answer *textproto.Error
	if errors.As(err, &answer) {
		f.Code, f.Text = answer.Code, cut(line(answer.Msg))
		f.Permanent = answer.Code/100 == 5 && aboutTheLetter(step)
	}
	return f
}

// The steps of an SMTP dialogue.
const (
	stepCompose = "compose"
	stepConnect = "connect"
	stepTLS     = "tls"
	stepAuth    = "auth"
	stepMail    = "mail from"
	stepRcpt    = "rcpt to"
	stepData    = "data"
	stepContent = "content"
)

func aboutTheLetter(step string) bool {
	return step == stepRcpt || step == stepData || step == stepContent
}

// cut bounds what is kept of a stranger's words.
func cut(s string) string {
	const limit = 300
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return s
}

var run = regexp.MustCompile(`[\pL\pN_-]{4,}`)

// without masks in words of a relay that has read a body what it may repeat of
// it: a code, or the token of a link. Long words are masked as well; they cost a
// reader little.
func without(body, words string) string {
	return run.ReplaceAllStringFunc(words, func(word string) string {
		if (len(word) >= 10 || strings.ContainsAny(word, "0123456789")) && strings.Contains(body, word) {
			return "…"
		}
		return word
	})
}

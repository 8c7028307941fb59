package mail

import (
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"strings"
	"sync"
)

// Failure is why a letter was not taken, in the words of the SMTP dialogue.
type Failure struct {
	Step      string // what was being done: "connect", "rcpt to", …
	Code      int    // the relay's, or 0 where it did not answer
	Status    string // its enhanced status such as "5.1.1" (RFC 3463), where it gave one
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
		f.Status = enhanced().FindString(f.Text)
		f.Permanent = answer.Code/100 == 5 && aboutTheLetter(step)
	}
	return f
}

// enhanced is a status at the beginning of a relay's words (RFC 2034).
var enhanced = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`) })

// aboutTheMailbox says whether a refusal tells that this address gets no mail:
// unknown, gone, full, or a domain without mail. What a relay holds against the
// sender, the words or the whole portal says nothing about the recipient.
func (f *Failure) aboutTheMailbox() bool {
	if !f.Permanent || f.Code/100 != 5 {
		return false
	}
	if f.Status != "" && f.Status != "5.0.0" {
		return f.Step == stepRcpt && recipientStatus[f.Status] || mailboxStatus[f.Status]
	}
	// Relays of the old kind give a code alone, or a status that says no more. 554 is left out: it mostly means
	// "not from you".
	bare := f.Code == 550 || f.Code == 551 || f.Code == 552 || f.Code == 553 || f.Code == 556
	return f.Step == stepRcpt && bare && !notFromHere().MatchString(f.Text)
}

// notFromHere are the words of a relay that would send nothing for us to anybody.
var notFromHere = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)relaying|relay access|relay (is )?(not|denied)|(to|not) relay`)
})

// mailboxStatus are the statuses that say it whatever the step (RFC 3463 §3.2, 3.3;
// RFC 7505 for 5.1.10; RFC 5248 and IANA's list for 5.7.13 and 5.7.17 f.).
var mailboxStatus = map[string]bool{
	"5.1.1": true, "5.1.2": true, "5.1.3": true, "5.1.4": true, "5.1.6": true, "5.1.10": true,
	"5.2.1": true, "5.2.2": true, "5.7.13": true, "5.7.17": true, "5.7.18": true,
}

// recipientStatus are more that say it in answer to the recipient: unclear ones of
// the same kind, Exchange's word for unknown (5.4.1), and a domain nothing leads to.
var recipientStatus = map[string]bool{"5.1.0": true, "5.2.0": true, "5.4.1": true, "5.4.4": true}

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

var run = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[\pL\pN_-]{4,}`) })

// without masks in words of a relay that has read a body what it may repeat of
// it: a code, or the token of a link. Long words are masked as well; they cost a
// reader little.
func without(body, words string) string {
	return run().ReplaceAllStringFunc(words, func(word string) string {
		if (len(word) >= 10 || strings.ContainsAny(word, "0123456789")) && strings.Contains(body, word) {
			return "…"
		}
		return word
	})
}

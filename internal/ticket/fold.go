package ticket

import (
	"regexp"
	"strings"
)

// marks are lines below which a mail program repeats what was answered to.
var marks = regexp.MustCompile(`(?i)^(-{2,} ?(original message|元のメッセージ|forwarded message|転送メッセージ) ?-{2,}|_{20,})$`)

// Fold parts a text from what it repeats at its end, as mail programs do: a page
// folds that away, and nothing of it is lost. A text that repeats alone, or answers
// below what it repeats, stays whole.
func Fold(text string) (own, repeated string) {
	lines := strings.Split(text, "\n")
	begin := len(lines)
	for i, one := range lines {
		if marks.MatchString(strings.TrimSpace(one)) {
			begin = i
			break
		}
	}
	if begin == len(lines) {
		begin = quoteAtEnd(lines)
	}
	own = strings.TrimSpace(strings.Join(lines[:begin], "\n"))
	if own == "" || begin == len(lines) {
		return text, ""
	}
	return own, strings.TrimSpace(strings.Join(lines[begin:], "\n"))
}

// quoteAtEnd is the line at which the quote begins that a text ends with, with who
// wrote it; the number of lines where it ends with none.
func quoteAtEnd(lines []string) int {
	begin := len(lines)
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.HasPrefix(lines[i], ">") {
			begin = i
		} else if strings.TrimSpace(lines[i]) != "" {
			break
		}
	}
	if begin == len(lines) {
		return begin
	}
	above := begin - 1
	for above >= 0 && strings.TrimSpace(lines[above]) == "" {
		above--
	}
	if above < 0 || !strings.HasSuffix(strings.TrimSpace(lines[above]), ":") && !strings.HasSuffix(strings.TrimSpace(lines[above]), "：") {
		return begin
	}
	if above > 0 && strings.HasPrefix(lines[above-1], "On ") && !strings.HasPrefix(lines[above], "On ") {
		above-- // the line was broken in two
	}
	return above
}

// Own is what an entry says itself.
func (e Entry) Own() string { own, _ := Fold(e.Text); return own }

// Repeated is what it repeats at its end.
func (e Entry) Repeated() string { _, repeated := Fold(e.Text); return repeated }

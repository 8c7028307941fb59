package page

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"nidan/internal/fault"
)

// Limits of what a form may hold. A field of more than longField characters gets
// a message beside it; a body of more than maxBody bytes is refused unread.
const (
	maxBody   = 64 << 10
	longField = 1000
)

// Option is one thing to choose among, for the parts "choice" and "pick".
type Option struct {
	Value, Label, Hint string
	Checked            bool
}

// Form is what was typed. Reading a field records what is wrong with it.
type Form struct {
	values url.Values
	faults []*fault.Fault
}

// Requests that no form of this portal sends.
var (
	errMedia  = fault.New(fault.Invalid, "page.form_media")
	errBody   = fault.New(fault.Invalid, "page.form_large")
	errBroken = fault.New(fault.Invalid, "page.form_broken")
)

// ErrMedia is a request that is no form of the kind that is asked for.
var ErrMedia error = plain{http.StatusUnsupportedMediaType, errMedia}

// Read reads the posted form. Only the body counts, never the query. A field
// sent twice, or bytes that are not UTF-8, are refused as a whole: no form of ours
// does this.
func Read(r *http.Request) (*Form, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, ErrMedia
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, plain{http.StatusRequestEntityTooLarge, errBody}
		}
		return nil, plain{http.StatusBadRequest, errBroken}
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, plain{http.StatusBadRequest, errBroken}
	}
	return whole(values)
}

// whole refuses what no form of ours sends.
func whole(values url.Values) (*Form, error) {
	for name, list := range values {
		if len(list) != 1 || !utf8.ValidString(name) || !utf8.ValidString(list[0]) {
			return nil, plain{http.StatusBadRequest, errBroken}
		}
	}
	return &Form{values: values}, nil
}

// plain is a fault answered with a status of its own, for requests that are
// broken rather than wrong.
type plain struct {
	status int
	*fault.Fault
}

func (p plain) Unwrap() error { return p.Fault }

// Has says whether a field was sent with anything in it.
func (f *Form) Has(name string) bool { return f.values.Get(name) != "" }

// After are the ends of the names of all fields that begin so, with anything in them,
// in their order.
func (f *Form) After(prefix string) (ends []string) {
	for name := range f.values {
		if end, ok := strings.CutPrefix(name, prefix); ok && f.Has(name) {
			ends = append(ends, end)
		}
	}
	slices.Sort(ends)
	return ends
}

// Typed is a field just as it was sent, for showing it again where it is wrong: a
// page escapes it, and nothing else is done with it.
func (f *Form) Typed(name string) string { return strings.ToValidUTF8(f.values.Get(name), "") }

// Wrong says whether something is wrong with a field so far.
func (f *Form) Wrong(name string) bool { return f.wrong(name) }

// Text is a line somebody typed: trimmed, without control characters, in NFC. Marks
// that turn the direction of what follows come along with what is pasted, and go: in
// a letter or a table they would turn our own words around.
func (f *Form) Text(name string) string {
	text := strings.TrimSpace(norm.NFC.String(straight(f.values.Get(name))))
	switch {
	case utf8.RuneCountInString(text) > longField:
		f.Fault(name, "page.field_long", "n", longField)
		return ""
	case strings.ContainsFunc(text, breaks):
		f.Fault(name, "page.field_control")
		return ""
	}
	return text
}

// breaks says that a character is none of a line.
func breaks(c rune) bool { return unicode.IsControl(c) || unicode.In(c, unicode.Zl, unicode.Zp) }

// straight is a text without the marks that turn its direction.
func straight(text string) string {
	return strings.Map(func(c rune) rune {
		if unicode.Is(unicode.Bidi_Control, c) {
			return -1
		}
		return c
	}, text)
}

// longText is how many characters a text of several lines may have.
const longText = 10_000

// Lines is a text of several lines somebody typed: lines end in \n, without other
// control characters, trimmed around, in NFC.
func (f *Form) Lines(name string) string {
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", " ").Replace(norm.NFC.String(straight(f.values.Get(name))))
	text = strings.TrimSpace(text)
	switch {
	case utf8.RuneCountInString(text) > longText:
		f.Fault(name, "page.field_long", "n", longText)
		return ""
	case strings.ContainsFunc(text, func(c rune) bool { return c != '\n' && unicode.IsControl(c) }):
		f.Fault(name, "page.field_control")
		return ""
	}
	return text
}

// Need is Text that must not be empty; missing is the phrase that asks for it.
func (f *Form) Need(name, missing string) string {
	text := f.Text(name)
	if text == "" && !f.wrong(name) {
		f.Fault(name, missing)
	}
	return text
}

// Secret is a password as typed, not trimmed. missing asks for it when it is empty.
func (f *Form) Secret(name, missing string) string {
	text := f.values.Get(name)
	switch {
	case text == "":
		f.Fault(name, missing)
	case utf8.RuneCountInString(text) > longField:
		f.Fault(name, "page.field_long", "n", longField)
		return ""
	}
	return text
}

// Code is a code of n digits as people type or paste it; missing asks for it when
// it is empty. What is not such a code becomes a fault beside the field.
func (f *Form) Code(name string, n int, missing string) string {
	raw := f.values.Get(name)
	code := Digits(raw)
	switch {
	case strings.TrimSpace(raw) == "":
		f.Fault(name, missing)
	case len(code) != n:
		f.Fault(name, "page.code_shape", "n", n)
		return ""
	}
	return code
}

// Digits is the one canonical form of a typed code: full-width digits become
// plain ones, and blanks, line breaks and hyphens go. Anything else makes it
// empty. Every check, counter and replay list sees this form alone.
func Digits(typed string) string {
	if len(typed) > 200 {
		return ""
	}
	var b strings.Builder
	for _, c := range norm.NFKC.String(typed) {
		switch {
		case c >= '0' && c <= '9':
			b.WriteRune(c)
		case unicode.IsSpace(c) || unicode.Is(unicode.Dash, c) || unicode.Is(unicode.Cf, c):
		default:
			return ""
		}
	}
	return b.String()
}

// Fault records what is wrong with a field; an empty field means the whole form.
func (f *Form) Fault(field, phrase string, args ...any) {
	f.faults = append(f.faults, fault.Field(field, phrase, args...))
}

// Add records a fault; nil records nothing.
func (f *Form) Add(one *fault.Fault) {
	if one != nil {
		f.faults = append(f.faults, one)
	}
}

// OK says that nothing is wrong so far.
func (f *Form) OK() bool { return len(f.faults) == 0 }

// Faults are what is wrong, in the order in which the fields were read.
func (f *Form) Faults() []*fault.Fault { return f.faults }

func (f *Form) wrong(name string) bool {
	for _, one := range f.faults {
		if one.Field == name {
			return true
		}
	}
	return false
}

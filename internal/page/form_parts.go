package page

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"nidan/internal/clock"
)

// A form with files arrives in parts. Its fields stand in front of its files, which
// are handed on as they come and never held whole.

// slowest is how long a piece of a file may take: a slow line may send for long, and
// a stalled one is ended.
const slowest = 30 * time.Second

var machine = clock.New()

func soon() time.Time { return machine.Machine().Add(slowest) }

// longName bounds a file's name, in characters.
const longName = 120

// Part is one file of a form, while it arrives.
type Part struct {
	Field, Name string // the name is one line, without folders
	io.Reader
}

// ReadParts reads a posted form that may bring files, at most so many bytes of
// them. take gets each file and need not read it to its end. A form without files
// may come as any other does. The fields before a file are in the form when take is
// called; its files that nothing was chosen for are left out.
func ReadParts(w http.ResponseWriter, r *http.Request, most int64, take func(*Form, Part) error) (*Form, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		return Read(r)
	}
	patience := http.NewResponseController(w)
	body := http.MaxBytesReader(nil, patient{r.Body, func() { extend(patience) }}, most+maxBody)
	parts, form, room := multipart.NewReader(body, params["boundary"]), &Form{values: url.Values{}}, maxBody
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return wholeParts(form)
		}
		if err != nil {
			return nil, broken(err)
		}
		field := part.FormName()
		if isFile(part) {
			if err := takeFile(form, field, part, take); err != nil {
				return nil, err
			}
			continue
		}
		value, err := io.ReadAll(io.LimitReader(part, int64(room)+1))
		if err != nil {
			return nil, broken(err)
		}
		if room -= len(value) + len(field); room < 0 {
			return nil, plain{http.StatusRequestEntityTooLarge, errBody}
		}
		form.values.Add(field, string(value))
	}
}

// isFile says whether a part is a file, be it one that nothing was chosen for.
func isFile(part *multipart.Part) bool {
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	_, named := params["filename"]
	return err == nil && named
}

// takeFile hands one file on, and reads what is left of it.
func takeFile(form *Form, field string, part *multipart.Part, take func(*Form, Part) error) error {
	ahead := &failing{Reader: part}
	if name := fileName(part.FileName()); name != "" {
		if err := take(form, Part{Field: field, Name: name, Reader: ahead}); err != nil {
			if ahead.err != nil {
				return broken(ahead.err)
			}
			return err
		}
	}
	if _, err := io.Copy(io.Discard, ahead); err != nil {
		return broken(err)
	}
	return nil
}

// wholeParts is whole, of a form that was read in parts: faults of its files stay.
func wholeParts(form *Form) (*Form, error) {
	checked, err := whole(form.values)
	if err != nil {
		return nil, err
	}
	checked.faults = form.faults
	return checked, nil
}

// broken is the answer to a body that did not arrive whole, or is too large.
func broken(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return plain{http.StatusRequestEntityTooLarge, errBody}
	}
	return fmt.Errorf("a form in parts: %w", errors.Join(plain{http.StatusBadRequest, errBroken}, err))
}

// failing remembers that the line failed, and not who reads from it.
type failing struct {
	io.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// patient gives each piece of a body its time.
type patient struct {
	io.ReadCloser
	before func()
}

func (p patient) Read(b []byte) (int, error) {
	p.before()
	return p.ReadCloser.Read(b)
}

// extend moves the deadlines of a request on. A connection that has none, as in
// tests, needs no more time.
func extend(c *http.ResponseController) {
	_ = c.SetReadDeadline(soon())
	_ = c.SetWriteDeadline(soon())
}

// Patience gives the answer's next piece its time.
func Patience(w http.ResponseWriter) { _ = http.NewResponseController(w).SetWriteDeadline(soon()) }

// fileName is the last part of a path, as one line; empty for a name of nothing.
func fileName(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, ""), `\`, "/"))
	name = strings.TrimSpace(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) || strings.ContainsRune(`"<>:|?*/`, c) {
			return -1
		}
		return c
	}, norm.NFC.String(name)))
	if name == "." || name == ".." {
		return ""
	}
	if n := utf8.RuneCountInString(name); n > longName { // its end tells its kind
		name = string([]rune(name)[n-longName:])
	}
	return name
}

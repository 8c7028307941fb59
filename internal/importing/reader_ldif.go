package importing

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/go-ldap/ldif"

	"nidan/internal/password"
)

// attributes are the attributes of directories that are read (RFC 4519, 2798), each
// with its column; of several for one column the first that has a value counts.
var attributes = [columns][]string{
	Organization: {"o", "ou"},
	Email:        {"mail"},
	Name:         {"displayname", "cn"},
	Phone:        {"telephonenumber"},
	Language:     {"preferredlanguage"},
	Hash:         {"userpassword"},
	JobTitle:     {"title"},
	Mobile:       {"mobile"},
}

// ldifRows is an LDIF file (RFC 2849). Its entries are cut out here, line by line, so
// that neither a photograph nor a file without end takes memory; what is left of an
// entry is read by the library, after every value that points elsewhere was refused: it
// would open files of this machine.
type ldifRows struct {
	file    *counted
	in      *bufio.Reader
	line    int64
	wanted  map[string]Column // an attribute that is read, in small letters
	order   [columns][]string
	missing [columns]string
	unread  map[string]bool
	err     error
}

func (f *File) readLDIF(ctx context.Context, o Options) (*rows, error) {
	in, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	l := &ldifRows{file: &counted{in, 0, f.Size}, wanted: map[string]Column{}, unread: map[string]bool{}}
	l.in = bufio.NewReaderSize(l.file, 1<<16)
	for from, to := range o.Map {
		c, _ := columnOf(to)
		l.order[c] = append(l.order[c], strings.ToLower(from))
	}
	var has [columns]bool
	for c := range columns {
		l.order[c] = append(l.order[c], attributes[c]...)
		has[c] = len(l.order[c]) > 0
		for _, name := range l.order[c] {
			l.wanted[name] = c
		}
		l.missing[c] = o.Default[c.String()]
	}
	// Directories have no words for these.
	for c, text := range map[Column]string{Authority: "general_user", Zone: o.House} {
		if l.missing[c] == "" {
			l.missing[c] = text
		}
	}
	return &rows{l, has}, nil
}

// entry is one entry as it stands in a file: its lines that are read, unfolded.
type entry struct {
	line   int64 // of its first
	lines  []string
	person bool // by its object classes, or by what it has
	broken Reason
}

func (l *ldifRows) next() (Row, error) {
	for {
		e, err := l.entry()
		if err != nil {
			return Row{}, err
		}
		if row, ok := l.row(e); ok {
			return row, nil
		}
	}
}

// entry gathers the lines of the next entry; io.EOF after the last.
func (l *ldifRows) entry() (e entry, err error) {
	for {
		line, long, err := l.unfolded()
		switch {
		case errors.Is(err, io.EOF) && e.line == 0:
			return e, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return e, err
		case err != nil, line == "" && e.line != 0:
			return e, nil
		case line == "":
			continue
		}
		if e.line == 0 {
			e.line = l.line
		}
		e.take(l, line, long)
	}
}

// take keeps a line of an entry if anything of it is read.
func (e *entry) take(l *ldifRows, line string, long bool) {
	name, value, _ := strings.Cut(line, ":")
	name = strings.ToLower(name)
	base, _, _ := strings.Cut(name, ";")
	_, wanted := l.wanted[base]
	switch {
	case base == "version" && len(e.lines) == 0 && e.line == l.line:
		e.line = 0
	case base == "objectclass":
		class := strings.ToLower(strings.TrimSpace(value))
		e.person = e.person || slices.Contains([]string{"person", "inetorgperson", "organizationalperson", "posixaccount", "user"}, class)
	case base == "changetype" && fold(value) != "add":
		e.broken = why("ldif_change")
	case base != "dn" && !wanted:
		if len(l.unread) < columnsMost && base != "changetype" && len(base) <= 64 {
			l.unread[base] = true
		}
	case long:
		e.broken = why("long", "column", base)
	case strings.HasPrefix(value, "<"):
		e.broken = why("ldif_url", "attribute", base)
	case strings.Trim(value, ": ") == "":
	case len(e.lines) < columnsMost:
		e.lines = append(e.lines, line)
		e.person = e.person || base == "userpassword"
	}
}

// row reads an entry; false for one that is nobody: a unit, a group.
func (l *ldifRows) row(e entry) (row Row, ok bool) {
	row = Row{Line: e.line, Broken: e.broken}
	if len(e.lines) < 2 || !strings.HasPrefix(strings.ToLower(e.lines[0]), "dn:") {
		return row, e.person || e.broken.Phrase != ""
	}
	read, err := ldif.Parse("dn" + e.lines[0][2:] + "\n" + strings.Join(e.lines[1:], "\n") + "\n\n")
	if err != nil || len(read.Entries) != 1 || read.Entries[0].Entry == nil {
		row.Broken = why("ldif_shape")
		return row, true
	}
	values := map[string][]string{}
	for _, a := range read.Entries[0].Entry.Attributes {
		base, _, _ := strings.Cut(strings.ToLower(a.Name), ";")
		values[base] = append(values[base], a.Values...)
	}
	for c, names := range l.order {
		for _, name := range names {
			if row.Cells[c] == "" && len(values[name]) > 0 {
				row.Cells[c] = strings.TrimSpace(first(Column(c), values[name]))
			}
		}
	}
	if row.Cells[Email] == "" && !e.person {
		return row, false
	}
	row.fill(l.missing)
	return row, true
}

// first is the value that counts of several: the first; of passwords the first that
// can be read.
func first(c Column, values []string) string {
	if c == Hash {
		for _, value := range values {
			if _, err := password.Known(value); err == nil {
				return value
			}
		}
	}
	return values[0]
}

// unfolded is the next line with those that continue it, without comments. What is
// longer than a row may be is read over, and long.
func (l *ldifRows) unfolded() (line string, long bool, err error) {
	if l.err != nil {
		return "", false, l.err
	}
	var text bytes.Buffer
	for {
		piece, more, err := l.in.ReadLine()
		if err != nil {
			l.err = err
			if text.Len() == 0 {
				return "", false, err
			}
			break
		}
		if text.Len()+len(piece) <= lineMost {
			text.Write(piece)
		} else {
			long = true
		}
		if more {
			continue
		}
		l.line++
		// A line that begins with a blank goes on where the one before ended.
		if ahead, err := l.in.Peek(1); err == nil && ahead[0] == ' ' && (text.Len() > 0 || len(piece) > 0) {
			_, _ = l.in.Discard(1)
			continue
		}
		if text.Len() > 0 && text.Bytes()[0] == '#' {
			text.Reset()
			long = false
			continue
		}
		break
	}
	return text.String(), long, nil
}

func (l *ldifRows) told() (float64, []string) {
	return l.file.done(), slices.Sorted(maps.Keys(l.unread))
}

func (l *ldifRows) close() error { return l.file.Close() }

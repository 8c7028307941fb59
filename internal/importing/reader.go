package importing

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"nidan/internal/fault"
)

// Format is a kind of file. The zero Format is found out.
type Format string

// The formats.
const (
	CSV   Format = "csv"
	LDIF  Format = "ldif"
	Excel Format = "xlsx"
)

// Encoding is how a CSV file's letters are written. The zero Encoding is found out.
type Encoding string

// The encodings.
const (
	UTF8     Encoding = "utf-8"
	ShiftJIS Encoding = "shift_jis"
)

// Options are how a file is to be read.
type Options struct {
	Format   Format            `json:"format,omitempty"`
	Encoding Encoding          `json:"encoding,omitempty"`
	Map      map[string]string `json:"map,omitempty"`     // the file's name of a column → ours
	Default  map[string]string `json:"default,omitempty"` // our column → what an empty cell means
	Leave    bool              `json:"leave,omitempty"`   // leave out columns that are not known
	House    string            `json:"house,omitempty"`   // the house zone, for formats that have no word for one
}

// check says what is wrong with the options themselves.
func (o Options) check() error {
	for from, to := range o.Map {
		if _, ok := columnOf(to); !ok {
			return fault.New(fault.Invalid, "importing.map_unknown", "from", from, "to", to)
		}
	}
	for name := range o.Default {
		if c, ok := columnOf(name); !ok || c == Email || c == Hash || c == PeriodEnd {
			return fault.New(fault.Invalid, "importing.default_unknown", "column", name)
		}
	}
	return nil
}

// File is a file to import, which can be read from its beginning more than once.
type File struct {
	Name   string
	Size   int64
	Digest []byte // SHA-256: the same file is the same import
	Path   string // on this machine; empty where it lies in the database
	open   func(ctx context.Context) (io.ReadCloser, error)

	valid bool // every byte of it is UTF-8
	sound bool // a workbook that was gone through when it was uploaded
	head  []byte
}

// headLength is how much of a file its format is told by.
const headLength = 4096

// OpenFile looks through a file of this machine.
func OpenFile(ctx context.Context, name string) (*File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", name)
	}
	f := &File{Name: path.Base(name), Path: name, open: func(context.Context) (io.ReadCloser, error) { return os.Open(name) }}
	return f, f.inspect(ctx)
}

// inspect reads the whole file once: its digest, its size, its letters.
func (f *File) inspect(ctx context.Context) error {
	in, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer in.Close()
	sum, reader := sha256.New(), bufio.NewReaderSize(in, 1<<16)
	f.valid, f.Size, f.head = true, 0, nil
	var rest []byte
	buffer := make([]byte, 1<<16)
	for {
		n, err := reader.Read(buffer)
		piece := buffer[:n]
		sum.Write(piece)
		f.Size += int64(n)
		if len(f.head) < headLength {
			f.head = append(f.head, piece[:min(n, headLength-len(f.head))]...)
		}
		if f.valid {
			rest = append(rest, piece...)
			f.valid, rest = whole(rest)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	f.valid = f.valid && len(rest) == 0
	f.Digest = sum.Sum(nil)
	return nil
}

// whole says whether text is UTF-8 up to a last letter that may not be whole yet.
func whole(text []byte) (valid bool, rest []byte) {
	end := len(text)
	for back := 1; back < utf8.UTFMax && back <= len(text); back++ {
		if c := text[len(text)-back]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(text[len(text)-back:]) {
				end = len(text) - back
			}
			break
		}
	}
	return utf8.Valid(text[:end]), append([]byte(nil), text[end:]...)
}

// formatOf finds out what a file is, by what it begins with and by its name.
func (f *File) formatOf(o Options) Format {
	switch ext := strings.ToLower(path.Ext(f.Name)); {
	case o.Format != "":
		return o.Format
	case bytes.HasPrefix(f.head, []byte("PK\x03\x04")):
		return Excel
	case ext == ".ldif", bytes.HasPrefix(f.head, []byte("version:")), bytes.HasPrefix(f.head, []byte("dn:")):
		return LDIF
	}
	return CSV
}

// rows is a file as a stream of rows.
type rows struct {
	source
	has [columns]bool // the columns that the file has
}

// source is a file of some format.
type source interface {
	// next is the next row; io.EOF after the last. A row that cannot be read is one that
	// is Broken; an error ends the file.
	next() (Row, error)
	// told is how much of the file was read, of 1, and the names in it that were not.
	told() (read float64, left []string)
	close() error
}

// read opens a file as rows.
func (f *File) read(ctx context.Context, o Options) (*rows, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if f.Size == 0 {
		return nil, fault.New(fault.Invalid, "importing.file_empty")
	}
	switch f.formatOf(o) {
	case Excel:
		return f.readExcel(ctx, o)
	case LDIF:
		return f.readLDIF(ctx, o)
	}
	return f.readCSV(ctx, o)
}

// counted counts what is read of a file.
type counted struct {
	io.ReadCloser
	n, size int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *counted) done() float64 {
	if c.size == 0 {
		return 1
	}
	return min(1, float64(c.n)/float64(c.size))
}

// heading is which cell of a table's row is which column.
type heading struct {
	at      []int // cell → Column, -1: not read
	columns [columns]bool
	left    []string
	missing [columns]string // what an empty cell means
}

// columnsMost is more than any file of people has.
const columnsMost = 200

// readHeading reads the first row of a table.
func readHeading(cells []string, o Options) (h heading, err error) {
	if len(cells) > columnsMost {
		return h, fault.New(fault.Invalid, "importing.columns_many", "n", len(cells), "most", columnsMost)
	}
	for _, name := range cells {
		name = strings.TrimSpace(strings.TrimPrefix(name, "\uFEFF"))
		column, known := named(name, o.Map)
		switch {
		case name == "":
			h.at = append(h.at, -1)
		case !known:
			h.at, h.left = append(h.at, -1), append(h.left, name)
		case h.columns[column]:
			return h, fault.New(fault.Invalid, "importing.column_twice", "column", column.String())
		default:
			h.at, h.columns[column] = append(h.at, int(column)), true
		}
	}
	if len(h.left) > 0 && !o.Leave {
		return h, fault.New(fault.Invalid, "importing.columns_unknown", "columns", listed(h.left), "known", strings.Join(columnNames[:], ", "))
	}
	var lack []string
	for c := range columns {
		h.missing[c] = o.Default[c.String()]
		if c.needed() && !h.columns[c] && h.missing[c] == "" && c != Method {
			lack = append(lack, c.String())
		}
	}
	if len(lack) > 0 {
		return h, fault.New(fault.Invalid, "importing.columns_missing", "columns", strings.Join(lack, ", "))
	}
	return h, nil
}

// named is the column of a name in a file, by the names that were given or our own.
func named(name string, given map[string]string) (Column, bool) {
	for from, to := range given {
		if strings.EqualFold(strings.TrimSpace(from), name) {
			return columnOf(to)
		}
	}
	return columnOf(name)
}

// listed is a list of names that strangers have chosen, as one short text.
func listed(names []string) string {
	most := names[:min(len(names), 20)]
	text := make([]string, len(most))
	for i, name := range most {
		if text[i] = name; utf8.RuneCountInString(name) > 40 {
			text[i] = string([]rune(name)[:40]) + "…"
		}
		text[i] = strings.Map(func(c rune) rune {
			if unseen(c) {
				return '\uFFFD'
			}
			return c
		}, strings.ToValidUTF8(text[i], "\uFFFD"))
	}
	if len(names) > len(most) {
		text = append(text, "…")
	}
	return strings.Join(text, ", ")
}

// row is a table's row by its heading.
func (h heading) row(line int64, cells []string) Row {
	row := Row{Line: line}
	for i, cell := range cells {
		if i < len(h.at) && h.at[i] >= 0 {
			row.Cells[h.at[i]] = strings.TrimSpace(cell)
		}
	}
	row.fill(h.missing)
	return row
}

// fill puts what an empty cell means where one is empty.
func (r *Row) fill(missing [columns]string) {
	for c, text := range missing {
		if r.Cells[c] == "" {
			r.Cells[c] = text
		}
	}
}

// empty says that a row has nothing in it, as the last rows of spreadsheets do.
func empty(cells []string) bool {
	return !slices.ContainsFunc(cells, func(cell string) bool { return strings.TrimSpace(cell) != "" })
}

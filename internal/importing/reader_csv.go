package importing

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/transform"

	"nidan/internal/fault"
)

// lineMost is how long one row of a file may be. It bounds what a file without line
// ends takes of memory.
const lineMost = 128 << 10

// csvRows is a CSV file.
type csvRows struct {
	file    *counted
	lines   *bounded
	table   *csv.Reader
	heading heading
	line    int // of the last row
}

// readCSV reads a CSV file: comma, semicolon or tab, as its first line says.
func (f *File) readCSV(ctx context.Context, o Options) (*rows, error) {
	in, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	c := &csvRows{file: &counted{in, 0, f.Size}}
	if err := c.begin(f, o); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return &rows{c, c.heading.columns}, nil
}

func (c *csvRows) begin(f *File, o Options) error {
	buffered := bufio.NewReaderSize(c.file, 1<<16)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\uFEFF" {
		_, _ = buffered.Discard(3)
	}
	var text io.Reader = buffered
	encoding := o.Encoding
	switch {
	case len(f.head) >= 2 && (f.head[0] == 0xFF && f.head[1] == 0xFE || f.head[0] == 0xFE && f.head[1] == 0xFF):
		return fault.New(fault.Invalid, "importing.file_utf16")
	case encoding == "" && !f.valid:
		encoding = ShiftJIS
	}
	if encoding == ShiftJIS {
		text = transform.NewReader(text, japanese.ShiftJIS.NewDecoder())
	}
	c.lines = &bounded{from: text}
	c.table = csv.NewReader(c.lines)
	c.table.FieldsPerRecord, c.table.ReuseRecord = -1, true
	c.table.Comma = separator(f.head)
	cells, err := c.record()
	switch {
	case errors.Is(err, io.EOF):
		return fault.New(fault.Invalid, "importing.file_empty")
	case errors.Is(err, errLong):
		return c.long()
	case err != nil && fault.Of(err) == nil:
		return fault.New(fault.Invalid, "importing.file_header")
	case err != nil:
		return err
	}
	c.line = 1
	c.heading, err = readHeading(cells, o)
	return err
}

// separator is what stands between the names of the first line.
func separator(head []byte) rune {
	line, _, _ := strings.Cut(string(head), "\n")
	found, most := ',', strings.Count(line, ",")
	for _, c := range []rune{';', '\t'} {
		if n := strings.Count(line, string(c)); n > most {
			found, most = c, n
		}
	}
	return found
}

func (c *csvRows) record() ([]string, error) {
	c.lines.left = lineMost
	return c.table.Read()
}

func (c *csvRows) next() (Row, error) {
	for {
		cells, err := c.record()
		var broken *csv.ParseError
		switch {
		case errors.Is(err, errLong):
			return Row{}, c.long()
		case errors.As(err, &broken):
			c.line = broken.Line
			return Row{Line: int64(broken.StartLine), Broken: why("quotes")}, nil
		case err != nil:
			return Row{}, err
		case empty(cells):
			continue
		}
		line, _ := c.table.FieldPos(0)
		c.line = line
		if len(cells) != len(c.heading.at) {
			row := c.heading.row(int64(line), cells)
			row.Broken = why("cells", "n", number(int64(len(cells))), "of", number(int64(len(c.heading.at))))
			return row, nil
		}
		return c.heading.row(int64(line), cells), nil
	}
}

// long says which row has no end.
func (c *csvRows) long() error {
	return fault.New(fault.Invalid, "importing.line_long", "line", c.line+1, "most", lineMost>>10)
}

func (c *csvRows) told() (float64, []string) { return c.file.done(), c.heading.left }
func (c *csvRows) close() error              { return c.file.Close() }

// errLong is a row without an end.
var errLong = errors.New("the row is too long")

// bounded gives no more than is left of a row.
type bounded struct {
	from io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLong
	}
	n, err := b.from.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

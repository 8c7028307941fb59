package importing

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/xuri/excelize/v2"

	"nidan/internal/fault"
)

// Bounds of an Excel file: what it may hold unpacked, and how much of one part is held
// in memory before it is put into a private temporary file. Its table of texts is held
// in memory whole, which bounds its rows.
const (
	excelMost = 250_000
	inMemory  = 16 << 20
)

var errRows = fault.New(fault.Invalid, "importing.file_rows", "most", number(excelMost))

// excelRows is the first sheet of an Excel file.
type excelRows struct {
	book    *excelize.File
	rows    *excelize.Rows
	folder  string
	heading heading
	line    int64
	total   int64
}

func (f *File) readExcel(ctx context.Context, o Options) (*rows, error) {
	folder, err := os.MkdirTemp("", "nidan-import-*")
	if err != nil {
		return nil, err
	}
	e := &excelRows{folder: folder}
	if err := e.begin(ctx, f, o); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return &rows{e, e.heading.columns}, nil
}

func (e *excelRows) begin(ctx context.Context, f *File, o Options) (err error) {
	name := f.Path
	if name == "" { // it lies in the database, and is read at random
		if name, err = f.copyTo(ctx, e.folder); err != nil {
			return err
		}
	}
	if !f.sound {
		if err := sound(name); err != nil {
			return err
		}
	}
	e.book, err = excelize.OpenFile(name, excelize.Options{UnzipSizeLimit: unpackedMost, UnzipXMLSizeLimit: inMemory, TmpDir: e.folder})
	if err != nil {
		return fault.New(fault.Invalid, "importing.file_excel")
	}
	sheets := e.book.GetSheetList()
	if len(sheets) == 0 {
		return fault.New(fault.Invalid, "importing.file_empty")
	}
	if e.rows, err = e.book.Rows(sheets[0]); err != nil {
		return fault.New(fault.Invalid, "importing.file_excel")
	}
	if area, err := e.book.GetSheetDimension(sheets[0]); err == nil {
		if e.total = lastRow(area); e.total > excelMost {
			return errRows
		}
	}
	for {
		cells, err := e.cells()
		if errors.Is(err, io.EOF) {
			return fault.New(fault.Invalid, "importing.file_empty")
		}
		if err != nil {
			return err
		}
		if !empty(cells) {
			e.heading, err = readHeading(trimmed(cells), o)
			return err
		}
	}
}

// copyTo puts the file into a private folder.
func (f *File) copyTo(ctx context.Context, folder string) (string, error) {
	in, err := f.open(ctx)
	if err != nil {
		return "", err
	}
	defer in.Close()
	name := filepath.Join(folder, "import.xlsx")
	out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, in)
	return name, errors.Join(err, out.Close())
}

// lastRow is the last row of an area such as A1:L200.
func lastRow(area string) int64 {
	digits := len(area)
	for digits > 0 && area[digits-1] >= '0' && area[digits-1] <= '9' {
		digits--
	}
	n, _ := strconv.ParseInt(area[digits:], 10, 64)
	return n
}

// trimmed is a row without the empty cells at its end.
func trimmed(cells []string) []string {
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	return cells
}

func (e *excelRows) cells() ([]string, error) {
	if !e.rows.Next() {
		if e.rows.Error() != nil {
			return nil, fault.New(fault.Invalid, "importing.file_excel")
		}
		return nil, io.EOF
	}
	if e.line++; e.line > excelMost {
		return nil, errRows
	}
	cells, err := e.rows.Columns()
	if err != nil {
		return nil, fault.New(fault.Invalid, "importing.file_excel")
	}
	return cells, nil
}

func (e *excelRows) next() (Row, error) {
	for {
		cells, err := e.cells()
		switch {
		case err != nil:
			return Row{}, err
		case empty(cells):
			continue
		}
		row := e.heading.row(e.line, cells)
		if n := len(trimmed(cells)); n > len(e.heading.at) {
			row.Broken = why("cells", "n", number(int64(n)), "of", number(int64(len(e.heading.at))))
		}
		return row, nil
	}
}

func (e *excelRows) told() (float64, []string) {
	if e.total == 0 {
		return 0, e.heading.left
	}
	return min(1, float64(e.line)/float64(e.total)), e.heading.left
}

func (e *excelRows) close() error {
	var err error
	if e.rows != nil {
		err = e.rows.Close()
	}
	if e.book != nil {
		err = errors.Join(err, e.book.Close())
	}
	return errors.Join(err, os.RemoveAll(e.folder))
}

package page

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// csvHold is how much of a file is gathered before the first of it is sent.
const csvHold = 32 << 10

// CSV answers with a table as a file to keep; see Table for what stands in it and
// File for what becomes of an error.
func CSV(w http.ResponseWriter, filename string, header []string, each func(write func(cells ...string) error) error) error {
	return File(w, filename, "text/csv; charset=utf-8", func(out io.Writer) error { return Table(out, header, each) })
}

// Table writes a table in UTF-8 with a byte order mark, without which a Japanese
// Excel reads it as Shift JIS, and lines as RFC 4180 has them. each calls write once
// for every row; a cell that a spreadsheet would read as a formula comes with an
// apostrophe before it, the header's too.
func Table(out io.Writer, header []string, each func(write func(cells ...string) error) error) error {
	if _, err := io.WriteString(out, "\uFEFF"); err != nil {
		return err
	}
	table := csv.NewWriter(out)
	table.UseCRLF = true
	write := func(cells ...string) error {
		harmless := make([]string, len(cells))
		for i, cell := range cells {
			harmless[i] = neutral(cell)
		}
		return table.Write(harmless)
	}
	err := write(header...)
	if err == nil {
		err = each(write)
	}
	if err == nil {
		table.Flush()
		err = table.Error()
	}
	return err
}

// File answers with a file to keep, sent as it is written.
//
// An error before anything was sent is handed on, for the error page. After that
// the answer is broken off: half a file must not look like a whole one.
func File(w http.ResponseWriter, filename, media string, write func(out io.Writer) error) error {
	out := &held{to: w, filename: filename, media: media}
	err := write(out)
	if err == nil {
		err = out.send()
	}
	if err != nil && out.begun {
		panic(http.ErrAbortHandler)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filename, err)
	}
	return nil
}

// formulas are the characters by which a spreadsheet knows that a cell is to be
// calculated, with the wide forms that a Japanese one takes for the same.
const formulas = "=+-@\t\r\n＝＋－＠"

// neutral is a cell that no spreadsheet calculates. One that cuts lines at the
// semicolon or the tab, as many in Europe do, begins a cell of its own behind it.
func neutral(cell string) string {
	if !strings.ContainsAny(cell, formulas) {
		return cell
	}
	var b strings.Builder
	begins := true
	for _, c := range cell {
		if begins && strings.ContainsRune(formulas, c) {
			b.WriteByte('\'')
		}
		begins = c == ';' || c == '\t' || begins && (c == ' ' || c == '"')
		b.WriteRune(c)
	}
	return b.String()
}

// held gathers the beginning of an answer, so that an early error can still become
// a page, and sends what comes after in large pieces.
type held struct {
	to       http.ResponseWriter
	filename string
	media    string
	gathered bytes.Buffer
	begun    bool
}

// Write gathers, and sends when there is enough.
func (h *held) Write(piece []byte) (int, error) {
	h.gathered.Write(piece)
	if h.gathered.Len() < csvHold {
		return len(piece), nil
	}
	return len(piece), h.send()
}

func (h *held) send() error {
	if !h.begun {
		h.begun = true
		header := h.to.Header()
		header.Set("Content-Type", h.media)
		header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": h.filename}))
		header.Set("Cache-Control", "no-store")
		h.to.WriteHeader(http.StatusOK)
	}
	_, err := h.to.Write(h.gathered.Bytes())
	h.gathered.Reset()
	return err
}

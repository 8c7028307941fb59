package cli

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// columns counts the terminal's columns that a text takes: Japanese signs take two.
func columns(text string) (n int) {
	for _, r := range text {
		switch kind := width.LookupRune(r).Kind(); {
		case unicode.Is(unicode.Mn, r):
		case kind == width.EastAsianWide || kind == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

const (
	margin = "  "
	gap    = "  "
)

// table lines rows up, the first as their heading. Where the terminal is too narrow
// each row becomes a block of its own, one cell a line.
func table(rows [][]string, available int) string {
	widths := make([]int, len(rows[0]))
	total := columns(margin) - columns(gap)
	for i := range widths {
		for _, row := range rows {
			widths[i] = max(widths[i], columns(row[i]))
		}
		total += widths[i] + columns(gap)
	}
	if total > available {
		return blocks(rows)
	}
	var b strings.Builder
	for _, row := range rows {
		line := margin
		for i, cell := range row {
			line += cell + strings.Repeat(" ", widths[i]-columns(cell)) + gap
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

func blocks(rows [][]string) string {
	var b strings.Builder
	for i, row := range rows[1:] {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(margin + row[0] + "\n")
		for _, cell := range row[1:] {
			b.WriteString(margin + margin + cell + "\n")
		}
	}
	return b.String()
}

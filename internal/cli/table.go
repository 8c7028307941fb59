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

// table lines rows up, the first being their heading. Where the terminal is too
// narrow for that, the first cell of each row stands above the others, and where
// even those are too wide, each cell has a line of its own, behind its heading if
// there is room for that.
func table(rows [][]string, available int) string {
	if lined := lines(rows, margin); widest(lined) <= available {
		return strings.Join(lined, "\n") + "\n"
	}
	rest := make([][]string, len(rows))
	for i, row := range rows {
		rest[i] = row[1:]
	}
	below := lines(rest, margin+margin)
	narrow := widest(below) > available
	if narrow {
		rest = headed(rest, available-columns(margin+margin))
	}
	var b strings.Builder
	for i, row := range rows {
		if i == 0 { // blocks speak for themselves
			continue
		}
		b.WriteString(margin + row[0] + "\n")
		if narrow {
			below[i] = margin + margin + strings.Join(rest[i], "\n"+margin+margin)
		}
		b.WriteString(below[i] + "\n")
	}
	return b.String()
}

// headed are the rows with each cell behind its heading and without the empty ones, or
// as they were where that is too wide.
func headed(rows [][]string, available int) [][]string {
	list := [][]string{nil}
	for _, row := range rows[1:] {
		var cells []string
		for i, cell := range row {
			if heading := rows[0][i]; cell != "" && heading != "" {
				cell = heading + ": " + cell
			}
			if cell != "" {
				cells = append(cells, cell)
			}
		}
		if widest(cells) > available {
			return rows
		}
		list = append(list, cells)
	}
	return list
}

// lines are the rows, each cell as wide as the widest of its column.
func lines(rows [][]string, margin string) []string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	list := make([]string, len(rows))
	for n, row := range rows {
		line := margin
		for i, cell := range row {
			line += cell + strings.Repeat(" ", widths[i]-columns(cell)) + gap
		}
		list[n] = strings.TrimRight(line, " ")
	}
	return list
}

func widest(lines []string) (most int) {
	for _, line := range lines {
		most = max(most, columns(line))
	}
	return most
}

package mail

import (
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// silent are elements whose text nobody reads.
var silent = map[atom.Atom]bool{atom.Script: true, atom.Style: true, atom.Head: true, atom.Title: true, atom.Template: true}

// breaks are elements that begin a line.
var breaks = map[atom.Atom]bool{atom.Br: true, atom.P: true, atom.Div: true, atom.Li: true, atom.Tr: true, atom.Table: true, atom.Ul: true,
	atom.Ol: true, atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.Blockquote: true, atom.Pre: true, atom.Hr: true}

// htmlText is the text of a page, a line for each block; what is quoted begins
// with "> " as in a plain mail. Nothing of it is markup any more.
func htmlText(page string) string {
	var lines []string
	var now strings.Builder
	quoted, hidden := 0, 0
	end := func(blank bool) { // a blank line is kept where it was made, once
		text := strings.Join(strings.Fields(now.String()), " ")
		now.Reset()
		if text == "" && (!blank || len(lines) == 0 || strings.Trim(lines[len(lines)-1], "> ") == "") {
			return
		}
		if quoted > 0 {
			text = strings.TrimSpace("> " + text)
		}
		lines = append(lines, text)
	}
	z := html.NewTokenizer(strings.NewReader(page))
	z.SetMaxBuf(readText)
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			if z.Err() == io.EOF { // what is broken off elsewhere is said as far as it goes
				now.Write(z.Raw())
			}
			end(false)
			return strings.Join(lines, "\n")
		}
		if kind == html.TextToken && hidden == 0 {
			now.WriteString(string(z.Text()))
			continue
		}
		name, _ := z.TagName()
		tag := atom.Lookup(name)
		opens, closes := kind == html.StartTagToken, kind == html.EndTagToken
		switch {
		case silent[tag] && opens:
			hidden++
		case silent[tag] && closes && hidden > 0:
			hidden--
		case hidden == 0 && breaks[tag]:
			end(tag == atom.Br)
		}
		if tag == atom.Body && opens {
			hidden = 0 // a head that was never closed hides nothing of the body
		}
		if tag == atom.Blockquote && hidden == 0 {
			if opens {
				quoted++
			} else if closes && quoted > 0 {
				quoted--
			}
		}
	}
}

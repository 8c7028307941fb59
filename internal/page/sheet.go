package page

import (
	"fmt"
	"html/template"
	"io/fs"
	"strings"
	"sync"

	"nidan/internal/phrase"
)

// sheet is one page's template. It is read at the start of the program, so that a
// page that does not parse is found there, and joined with the layout at its first
// visit in each language: the joined templates of every page, most of which a node
// shows seldom, were half of the program's start and of its memory.
type sheet struct {
	site *Site
	file string
	text string
	made map[phrase.Lang]func() (*template.Template, error)
}

func (s *Site) sheet(files fs.FS, file string) (*sheet, error) {
	text, err := fs.ReadFile(files, file)
	if err != nil {
		return nil, err
	}
	sh := &sheet{site: s, file: file, text: string(text), made: map[phrase.Lang]func() (*template.Template, error){}}
	if _, err := template.New(file).Funcs(s.words[phrase.Langs[0]]).Parse(sh.text); err != nil {
		return nil, fmt.Errorf("page %s: %w", file, err)
	}
	for _, lang := range phrase.Langs {
		sh.made[lang] = sync.OnceValues(func() (*template.Template, error) { return sh.join(lang) })
	}
	return sh, nil
}

// join is the page within the layout.
func (sh *sheet) join(lang phrase.Lang) (*template.Template, error) {
	layout, err := sh.site.layout[lang].Clone()
	if err != nil {
		return nil, err
	}
	if _, err = layout.New(sh.file).Parse(sh.text); err != nil {
		return nil, err
	}
	folder{sh.site, lang}.fold(layout)
	return layout, nil
}

// short is a page's name as handlers know it.
func short(file string) string {
	return strings.TrimSuffix(file[strings.LastIndexByte(file, '/')+1:], ".html")
}

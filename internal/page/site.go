// Package page is what every page shares: layout, languages, forms, the error
// page and the static assets. Rooms hand it typed views.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"nidan/internal/fault"
	"nidan/internal/phrase"
)

// Site is the portal as pages show it. It does not change after New.
type Site struct {
	Options
	book   *phrase.Book
	assets *assets
	words  map[phrase.Lang]template.FuncMap
	layout map[phrase.Lang]*template.Template
	errors *Room
	log    *slog.Logger
}

// Options are the settings that pages show or depend on.
type Options struct {
	Name    string         // what the portal is called
	House   *time.Location // the house zone
	Contact string         // mail address of the help desk
	Hours   string         // its business hours
	Secure  bool           // served over https: cookies get __Host- and Secure
	Demo    bool           // shows the demo's links
	Now     func() time.Time
}

// Words are this package's phrases.
//
//go:embed words
var Words embed.FS

//go:embed pages
var layoutFiles embed.FS

// New reads the layout and the assets.
func New(book *phrase.Book, log *slog.Logger, options Options) (*Site, error) {
	s := &Site{Options: options, book: book, log: log, words: map[phrase.Lang]template.FuncMap{}, layout: map[phrase.Lang]*template.Template{}}
	var err error
	if s.assets, err = readAssets(); err != nil {
		return nil, err
	}
	for _, lang := range phrase.Langs {
		s.words[lang] = s.funcs(lang)
		s.layout[lang], err = template.New("layout").Funcs(s.words[lang]).
			ParseFS(layoutFiles, "pages/layout.html", "pages/parts.html")
		if err != nil {
			return nil, fmt.Errorf("layout: %w", err)
		}
	}
	s.errors, err = s.Room(layoutFiles)
	return s, err
}

// funcs are what templates can call beside the methods of their view. They are
// bound to one language, so that a template needs no argument to speak.
func (s *Site) funcs(lang phrase.Lang) template.FuncMap {
	return template.FuncMap{
		// t says a phrase: {{t "signin.title" "n" 3}}.
		"t": func(key string, args ...any) string { return s.book.Say(lang, key, args...) },
		// asset is the address of a static file, with its digest in its name.
		"asset": s.assets.path,
		// part passes named values to a shared part: {{template "field" part "name" "email" …}}.
		"part": func(pairs ...any) (map[string]any, error) {
			if len(pairs)%2 != 0 {
				return nil, fmt.Errorf("part: names and values come in pairs")
			}
			values := make(map[string]any, len(pairs)/2)
			for i := 0; i < len(pairs); i += 2 {
				name, ok := pairs[i].(string)
				if !ok {
					return nil, fmt.Errorf("part: %v is no name", pairs[i])
				}
				values[name] = pairs[i+1]
			}
			return values, nil
		},
		// gap stands between two sentences; Japanese has none there.
		"gap": func() string {
			if lang == phrase.Japanese {
				return ""
			}
			return " "
		},
		// comma stands between two of a list.
		"comma": func() string {
			if lang == phrase.Japanese {
				return "、"
			}
			return ", "
		},
		// group writes a key or code in groups of four.
		"group": Group,
	}
}

// Typed is an address of the portal as people type it: host and path, without the
// scheme, of which mail programs would make a link.
func Typed(base string) string {
	if _, rest, ok := strings.Cut(base, "://"); ok {
		base = rest
	}
	return strings.TrimSuffix(base, "/")
}

// Group writes text in groups of n characters: `JBSW Y3DP`.
func Group(n int, text string) string {
	var b strings.Builder
	for i, c := range []rune(text) {
		if i > 0 && i%n == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// Room is the pages of one room.
type Room struct {
	site  *Site
	pages map[string]*sheet
}

// Room reads a room's pages/*.html; each defines "main". A page that does not
// parse is an error at the start of the program, not at its first visit.
func (s *Site) Room(files fs.FS) (*Room, error) {
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		return nil, err
	}
	room := &Room{site: s, pages: map[string]*sheet{}}
	for _, name := range names {
		if short(name) == "layout" || short(name) == "parts" {
			continue
		}
		if room.pages[short(name)], err = s.sheet(files, name); err != nil {
			return nil, err
		}
	}
	return room, nil
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Show answers with one page. title is a phrase key or, with a space in it, text.
func (room *Room) Show(w http.ResponseWriter, r *http.Request, status int, name, title string, v viewer) error {
	buffer := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buffer)
	buffer.Reset()
	if err := room.write(buffer, w, r, name, title, v); err != nil {
		return err
	}
	answer(w, r, status, v.base().Lang, buffer.Bytes())
	return nil
}

// write writes one page into a buffer, and what it has to say beside it into w's header.
func (room *Room) write(buffer *bytes.Buffer, w http.ResponseWriter, r *http.Request, name, title string, v viewer) error {
	view := v.base()
	view.fill(room.site, w, r)
	view.Title = room.site.title(view.Lang, title)
	sheet, ok := room.pages[name]
	if !ok {
		return fmt.Errorf("there is no page %q", name)
	}
	page, err := sheet.made[view.Lang]()
	if err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	if err := page.ExecuteTemplate(buffer, "layout", v); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	return nil
}

// answer sends a page that was written.
func answer(w http.ResponseWriter, r *http.Request, status int, lang phrase.Lang, page []byte) {
	h := w.Header()
	h.Add("Vary", "Accept-Language, Cookie")
	h.Set("Content-Type", "text/html; charset=utf-8")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	h.Set("Content-Language", string(lang))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(page) // the client may have hung up; nothing to do about it
	}
}

func (s *Site) title(lang phrase.Lang, title string) string {
	if s.book.Has(title) {
		return s.book.Say(lang, title)
	}
	return title
}

// Book is the portal's phrases.
func (s *Site) Book() *phrase.Book { return s.book }

// Serve makes a handler of a function that may fail. A fault becomes its page, all
// else is logged and answered with a plain 500.
func (s *Site) Serve(handle func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := handle(w, r); err != nil {
			s.Fail(w, r, err)
		}
	}
}

// Status is the HTTP status of a kind of refusal: the one place that maps them.
func Status(kind fault.Kind) int {
	switch kind {
	case fault.Invalid, fault.Taken:
		return http.StatusUnprocessableEntity
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Refused:
		return http.StatusForbidden
	case fault.Closed:
		return http.StatusServiceUnavailable
	case fault.TooSoon:
		return http.StatusTooManyRequests
	}
	return http.StatusInternalServerError
}

package page

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"time"

	"nidan/internal/phrase"
)

// Stamp shows pages that many strangers get at once and that are alike but for one value
// they typed: such a page is written once a second, and each stranger's value is put into
// it. Everything else about it must follow from what Show is given beside the value.
type Stamp struct {
	room *Room

	mu   sync.Mutex
	kept map[likeness]*stamped
}

// likeness is all that a page for strangers depends on, beside the value and the second.
type likeness struct {
	name, title, path string
	status            int
	lang              phrase.Lang
}

type stamped struct {
	at            time.Time // of the site's clock
	before, after []byte    // the page around the value; before is nil where there is no one place for it
}

const (
	stampAge  = time.Second // banners are older by no more
	stampKeep = 16          // pages in memory at most
	// gapMark stands where the value goes while a page is written: nothing in it is escaped.
	gapMark = "nidan0stamp0gap"
)

// escaped is what html/template makes of a value between double quotes, and of text.
var escaped = strings.NewReplacer("\x00", "\uFFFD", `"`, "&#34;", "&", "&amp;", "'", "&#39;", "+", "&#43;", "<", "&lt;", ">", "&gt;")

// Stamp shows the room's pages to strangers.
func (room *Room) Stamp() *Stamp { return &Stamp{room: room, kept: map[likeness]*stamped{}} }

// Show answers as Room.Show does; typed is the field of the view that differs. Whoever is
// known, or asks with a query or an address written in an unusual way, gets a page of his own.
func (p *Stamp) Show(w http.ResponseWriter, r *http.Request, status int, name, title string, v viewer, typed *string) error {
	if !alike(r) || v.base().LookAgain > 0 { // Connect says something of its own beside the page
		return p.room.Show(w, r, status, name, title, v)
	}
	of := likeness{name, title, here(r), status, Lang(r)}
	page, err := p.page(of, w, r, v, typed)
	if err != nil {
		return err
	}
	if page.before == nil {
		return p.room.Show(w, r, status, name, title, v)
	}
	buffer := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buffer)
	buffer.Reset()
	buffer.Write(page.before)
	_, _ = escaped.WriteString(buffer, *typed) // a buffer takes everything
	buffer.Write(page.after)
	answer(w, r, status, of.lang, buffer.Bytes())
	return nil
}

// alike says that whoever asks gets what other strangers get.
func alike(r *http.Request) bool {
	chrome, _ := r.Context().Value(Key{}).(Chrome)
	return chrome.Name == "" && chrome.Reader == nil && r.URL.RawQuery == "" && r.URL.RawPath == ""
}

// page is the page around the value. Who comes while it is written waits for it: to write
// one more for himself takes as long.
func (p *Stamp) page(of likeness, w http.ResponseWriter, r *http.Request, v viewer, typed *string) (*stamped, error) {
	now := p.room.site.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if page := p.kept[of]; page != nil && !now.Before(page.at) && now.Before(page.at.Add(stampAge)) {
		return page, nil
	}
	own := *typed
	defer func() { *typed = own }()
	*typed = gapMark
	var buffer bytes.Buffer
	if err := p.room.write(&buffer, w, r, of.name, of.title, v); err != nil {
		return nil, err
	}
	page := &stamped{at: now}
	if before, after, _ := bytes.Cut(buffer.Bytes(), []byte(gapMark)); bytes.Count(buffer.Bytes(), []byte(gapMark)) == 1 {
		page.before, page.after = before, after
	}
	if len(p.kept) >= stampKeep {
		clear(p.kept)
	}
	p.kept[of] = page
	return page, nil
}

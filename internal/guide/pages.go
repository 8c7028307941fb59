package guide

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"image/png"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"nidan/internal/announcement"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/route"
)

//go:embed pages
var pageFiles embed.FS

//go:embed pictures
var pictureFiles embed.FS

// Needs is what the room works with.
type Needs struct {
	Site         *page.Site
	Announcement *announcement.Room
	Ready        Ready
}

// Room is the guides' pages.
type Room struct {
	Needs
	pages  *page.Room
	byName map[string]Picture // signin-en
	served map[string][]byte
}

// Picture is a page as the browser tests saw it.
type Picture struct {
	Path          string // carries its digest: browsers keep it
	Width, Height int    // in CSS pixels
	Alt           string
}

// density is how many pixels of a picture make one of CSS: a guide shows a page
// smaller than it is, and sharp on a phone.
const density = 3

// New reads the room's pages and pictures.
func New(n Needs) (*Room, error) {
	pages, err := n.Site.Room(pageFiles)
	if err != nil {
		return nil, err
	}
	rm := &Room{Needs: n, pages: pages, byName: map[string]Picture{}, served: map[string][]byte{}}
	names, err := fs.Glob(pictureFiles, "pictures/*.png")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := rm.keep(name); err != nil {
			return nil, fmt.Errorf("picture %s: %w", name, err)
		}
	}
	return rm, nil
}

// keep makes a picture ready to be shown and served.
func (rm *Room) keep(name string) error {
	body, err := pictureFiles.ReadFile(name)
	if err != nil {
		return err
	}
	size, err := png.DecodeConfig(bytes.NewReader(body))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	short := strings.TrimSuffix(path.Base(name), ".png")
	hashed := short + "." + hex.EncodeToString(sum[:6]) + ".png"
	rm.byName[short] = Picture{Path: "/guide/pictures/" + hashed, Width: size.Width / density, Height: size.Height / density}
	rm.served[hashed] = body
	return nil
}

// Routes are the room's lines of the route map.
func (rm *Room) Routes() []route.Route {
	routes := []route.Route{{Pattern: "GET /guide/pictures/{name}", Gate: route.Machine, Serve: rm.picture}}
	for _, name := range Names {
		routes = append(routes, route.Route{Pattern: "GET " + name.Path(), Gate: route.Always, Serve: rm.Site.Serve(rm.show(name))})
	}
	return routes
}

type guideView struct {
	page.View
	Parts  []Part
	Others []Link
	Desk   announcement.Desk
	room   *Room
}

// Picture is a page's picture in the reader's language; nil where there is none.
func (v *guideView) Picture(name string) *Picture {
	p, ok := v.room.byName[name+"-"+string(v.Lang)]
	if !ok {
		return nil
	}
	p.Alt = v.room.Site.Speaker(v.Lang, nil).T("guide.picture_"+name, "portal", v.Desk.Portal)
	return &p
}

func (rm *Room) show(name Name) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		f, err := rm.Announcement.Facts(r.Context())
		if err != nil {
			return err
		}
		say := rm.Site.Speak(r)
		view := &guideView{Parts: Write(name, say, f, rm.Ready), Others: others(name, say), Desk: f.Desk, room: rm}
		return rm.pages.Show(w, r, http.StatusOK, "guide", titles[name], view)
	}
}

// others are the ways to all other guides and to the announcement.
func others(but Name, say page.Speaker) (list []Link) {
	for _, n := range Names {
		if n != but {
			list = append(list, Link{n.Path(), say.T(titles[n])})
		}
	}
	return append(list, Link{"/announcement", say.T("announcement.title")})
}

func (rm *Room) picture(w http.ResponseWriter, r *http.Request) {
	body, ok := rm.served[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(body) // the client may have hung up
}

// Lacking are the pictures that guides speak of and that were not made.
func (rm *Room) Lacking() (names []string) {
	for _, name := range Pictured {
		for _, lang := range phrase.Langs {
			if _, ok := rm.byName[name+"-"+string(lang)]; !ok {
				names = append(names, name+"-"+string(lang))
			}
		}
	}
	return names
}

// Pictured are the pages that the guides show.
var Pictured = []string{"signin", "dashboard", "method", "address", "mailbox", "totp", "ticket", "sent"}

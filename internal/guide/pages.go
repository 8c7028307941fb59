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
	"sync"

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
	pages    *page.Room
	pictures func() (pictures, error)
}

// pictures are those of the program, where they are served.
type pictures struct {
	byName map[string]Picture // signin-en
	files  map[string]string  // by the name that carries the digest
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

// New reads the room's pages.
func New(n Needs) (*Room, error) {
	pages, err := n.Site.Room(pageFiles)
	return &Room{Needs: n, pages: pages, pictures: sync.OnceValues(readPictures)}, err
}

// readPictures looks at each picture when one is first asked for. They are 700 KB: a
// portal just started does not touch them, and none keeps a copy.
func readPictures() (pictures, error) {
	all := pictures{byName: map[string]Picture{}, files: map[string]string{}}
	names, err := fs.Glob(pictureFiles, "pictures/*.png")
	if err != nil {
		return all, err
	}
	for _, name := range names {
		if err := all.add(name); err != nil {
			return all, fmt.Errorf("picture %s: %w", name, err)
		}
	}
	return all, nil
}

// add makes a picture ready to be shown.
func (all pictures) add(name string) error {
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
	all.byName[short] = Picture{Path: "/guide/pictures/" + hashed, Width: size.Width / density, Height: size.Height / density}
	all.files[hashed] = name
	return nil
}

// Routes are the room's lines of the route map.
func (rm *Room) Routes() []route.Route {
	routes := []route.Route{{Pattern: "GET /guide/pictures/{name}", Gate: route.Machine, Serve: rm.Site.Serve(rm.picture)}}
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
	site   *page.Site
	byName map[string]Picture
}

// Picture is a page's picture in the reader's language; nil where there is none.
func (v *guideView) Picture(name string) *Picture {
	p, ok := v.byName[name+"-"+string(v.Lang)]
	if !ok {
		return nil
	}
	p.Alt = v.site.Speaker(v.Lang, nil).T("guide.picture_"+name, "portal", v.Desk.Portal)
	return &p
}

func (rm *Room) show(name Name) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		f, err := rm.Announcement.Facts(r.Context())
		if err != nil {
			return err
		}
		all, err := rm.pictures()
		if err != nil {
			return err
		}
		say := rm.Site.Speak(r)
		view := &guideView{Parts: Write(name, say, f, rm.Ready), Others: others(name, say), Desk: f.Desk, site: rm.Site, byName: all.byName}
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

func (rm *Room) picture(w http.ResponseWriter, r *http.Request) error {
	all, err := rm.pictures()
	if err != nil {
		return err
	}
	name, ok := all.files[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return nil
	}
	body, err := pictureFiles.ReadFile(name)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(body) // the client may have hung up
	return nil
}

// Lacking are the pictures that guides speak of and that were not made.
func (rm *Room) Lacking() (names []string, err error) {
	all, err := rm.pictures()
	for _, name := range Pictured {
		for _, lang := range phrase.Langs {
			if _, ok := all.byName[name+"-"+string(lang)]; !ok {
				names = append(names, name+"-"+string(lang))
			}
		}
	}
	return names, err
}

// Pictured are the pages that the guides show.
var Pictured = []string{"signin", "dashboard", "method", "address", "mailbox", "totp", "ticket", "sent"}

package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"nidan/internal/route"
)

//go:embed static
var staticFiles embed.FS

// assets are the static files under names that carry their digest, so that a
// browser keeps them for ever and never has an old one.
type assets struct {
	byName map[string]string // app.css → /static/app.1a2b3c4d.css
	served map[string]asset
}

// medias are the kinds of static files there are. The system's own table, read from
// its files, would be a megabyte and another one on each machine.
var medias = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

type asset struct {
	media       string
	plain, gzip []byte
}

func readAssets() (*assets, error) {
	a := &assets{byName: map[string]string{}, served: map[string]asset{}}
	return a, fs.WalkDir(staticFiles, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := staticFiles.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		base, ext := path.Base(name), path.Ext(name)
		hashed := strings.TrimSuffix(base, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		media, ok := medias[ext]
		if !ok {
			return fmt.Errorf("asset %s: no media type for %s", base, ext)
		}
		a.byName[base] = "/static/" + hashed
		a.served[hashed] = asset{media: media, plain: body, gzip: compress(body)}
		return nil
	})
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a valid one
	_, _ = w.Write(body)
	_ = w.Close() // into memory: neither fails
	if b.Len() >= len(body) {
		return nil
	}
	return b.Bytes()
}

func (a *assets) path(name string) (string, error) {
	p, ok := a.byName[name]
	if !ok {
		return "", fmt.Errorf("there is no asset %q", name)
	}
	return p, nil
}

// Routes are this package's: the static files.
func (s *Site) Routes() []route.Route {
	return []route.Route{{Pattern: "GET /static/{name}", Gate: route.Machine, Serve: s.asset}}
}

func (s *Site) asset(w http.ResponseWriter, r *http.Request) {
	file, ok := s.assets.served[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h, body := w.Header(), file.plain
	h.Set("Content-Type", file.media)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Add("Vary", "Accept-Encoding")
	if file.gzip != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = file.gzip
	}
	_, _ = w.Write(body) // the client may have hung up
}

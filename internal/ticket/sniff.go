package ticket

import (
	"bytes"
	"net/http"
	"strings"
)

// sniffed is how much of a file tells what it is.
const sniffed = 512

// media are the kinds of file that are taken, by what their first bytes say and
// never by name: pictures, documents, text, archives. A program, a page or a script
// is none of them. net/http knows most; the rest has its signature below.
var media = map[string]bool{
	"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "image/bmp": true, "image/heic": true,
	"application/pdf": true, "application/zip": true, "application/x-gzip": true, "application/x-ole-storage": true,
	"text/plain": true, "video/mp4": true,
}

// mediaOf is what a file's first bytes say that it is; false for what is not taken.
// A Word or Excel file is an archive, or of the older kind an OLE storage.
func mediaOf(first []byte) (string, bool) {
	if len(first) > sniffed {
		first = first[:sniffed]
	}
	switch {
	case bytes.HasPrefix(first, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		return "application/x-ole-storage", true
	case len(first) >= 12 && string(first[4:8]) == "ftyp" && strings.Contains("heic heix mif1 msf1", string(first[8:12])):
		return "image/heic", true
	case bytes.HasPrefix(first, []byte("#!")):
		return "text/x-script", false
	}
	found, _, _ := strings.Cut(http.DetectContentType(first), ";")
	return found, media[found]
}

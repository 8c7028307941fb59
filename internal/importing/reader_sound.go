package importing

import (
	"archive/zip"
	"encoding/xml"
	"io"
	"strings"

	"nidan/internal/fault"
)

// Bounds of what a packed file does to whoever reads it: small files grow a
// thousandfold, and the library holds every part in memory but sheets and texts, and
// of those one row or text at a time, however long it is.
const (
	unpackedMost = 1 << 30
	heldMost     = 64 << 20 // of all parts that are held
	partsMost    = 2000
	tokenMost    = 1 << 20 // a text or a tag; Excel's own cells end at 32,767 characters
	deepMost     = 64
	cellsMost    = 40_000 // tags in one row
	textsMost    = 2_000_000
)

// sound refuses a packed file that says it is larger than any import, before anything
// of it is unpacked, and then one that is built to fill the memory.
func sound(name string) error {
	packed, err := zip.OpenReader(name)
	if err != nil {
		return fault.New(fault.Invalid, "importing.file_excel")
	}
	defer packed.Close()
	var sum, held uint64
	for _, part := range packed.File {
		size := part.UncompressedSize64
		if sum += size; sum > unpackedMost || size > unpackedMost {
			return fault.New(fault.Invalid, "importing.file_unpacked", "most", unpackedMost>>20)
		}
		if !read(part.Name) {
			held += size
		}
	}
	switch {
	case held > heldMost:
		return fault.New(fault.Invalid, "importing.file_parts", "most", heldMost>>20)
	case len(packed.File) > partsMost:
		return fault.New(fault.Invalid, "importing.file_excel")
	}
	for _, part := range packed.File {
		if err := plain(part); err != nil {
			return err
		}
	}
	return nil
}

// read says whether a part is read as it comes, once it is large.
func read(name string) bool {
	name = strings.ToLower(strings.ReplaceAll(name, `\`, "/"))
	return name == "xl/sharedstrings.xml" || strings.HasPrefix(name, "xl/worksheets/sheet")
}

// plain goes through a part as XML, one piece at a time. What is none ends here, as it
// does for whoever reads it later.
func plain(part *zip.File) error {
	in, err := part.Open()
	if err != nil {
		return fault.New(fault.Invalid, "importing.file_excel")
	}
	defer in.Close()
	text := &bounded{from: in}
	decoder := xml.NewDecoder(text)
	decoder.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for deep, cells, texts := 0, 0, 0; ; {
		text.left = tokenMost
		token, err := decoder.RawToken()
		if text.left <= 0 {
			return fault.New(fault.Invalid, "importing.file_excel")
		}
		if err != nil {
			return nil
		}
		switch t := token.(type) {
		case xml.StartElement:
			deep, cells = deep+1, cells+1
			switch t.Name.Local {
			case "row":
				cells = 0
			case "si":
				cells, texts = 0, texts+1
			}
		case xml.EndElement:
			deep--
		}
		if deep > deepMost || cells > cellsMost || texts > textsMost {
			return fault.New(fault.Invalid, "importing.file_excel")
		}
	}
}

package delivery

import (
	"strconv"
	"strings"
	"time"

	"nidan/internal/mail"
)

// Bounds of what a page shows.
const (
	parkedAtOnce = 100
	listedAtOnce = 50
	csvAtOnce    = 1000
)

// recently is how far back the page counts what was sent.
const recently = 24 * time.Hour

// written is where a page of the list ends, as a link to the next names it.
func written(m mail.Mark) string {
	return strconv.FormatInt(m.Latest.UnixMicro(), 10) + "." + m.Organization + "." + m.Holder
}

// parsed reads it back; what is none is the beginning of the list.
func parsed(text string) mail.Mark {
	parts := strings.SplitN(text, ".", 3)
	if len(parts) != 3 || len(text) > 200 {
		return mail.Mark{}
	}
	micros, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || micros <= 0 {
		return mail.Mark{}
	}
	return mail.Mark{Latest: time.UnixMicro(micros).UTC(), Organization: parts[1], Holder: parts[2]}
}

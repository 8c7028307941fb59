package record

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"nidan/internal/page"
	"nidan/internal/store"
)

// Format is how an export is written.
type Format string

// The formats.
const (
	JSONLines Format = "jsonl" // as `nidan audit export`
	CEF       Format = "cef"   // ArcSight's Common Event Format, version 0
	CSV       Format = "csv"
)

// Formats are all of them.
var Formats = []Format{JSONLines, CEF, CSV}

func (f Format) known() bool { return f == JSONLines || f == CEF || f == CSV }

// media is what a file of this format is.
func (f Format) media() string {
	switch f {
	case CSV:
		return "text/csv; charset=utf-8"
	case JSONLines:
		return "application/x-ndjson; charset=utf-8"
	}
	return "text/plain; charset=utf-8"
}

// Header are the columns of the table.
var Header = []string{"at", "organization", "chain", "row", "act", "what", "actor_kind", "actor", "actor_name", "subject", "subject_name", "network", "detail", "digest"}

// Export writes the rows that a filter chooses, oldest first, in bounded memory. say
// says an act to whoever will read it.
func Export(ctx context.Context, r store.Reader, f Filter, format Format, say func(act string) string, out io.Writer) error {
	switch format {
	case JSONLines:
		return Each(ctx, r, f, func(n Named) error { return n.WriteLine(out) })
	case CEF:
		return Each(ctx, r, f, func(n Named) error {
			_, err := io.WriteString(out, n.CEF(say(n.Act))+"\n")
			return err
		})
	case CSV:
		return page.Table(out, Header, func(write func(cells ...string) error) error {
			return Each(ctx, r, f, func(n Named) error { return write(n.cells(say(n.Act))...) })
		})
	}
	return fmt.Errorf("record: there is no format %q", format)
}

func (n Named) cells(said string) []string {
	return []string{n.At.UTC().Format(time.RFC3339Nano), n.Organization, n.Chain, strconv.FormatInt(n.Seq, 10), n.Act, said,
		string(n.Actor.Kind), n.Actor.ID, n.ActorName, n.Subject, n.SubjectName, n.Network, n.detail(), hex.EncodeToString(n.Digest)}
}

func (n Named) detail() string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if len(n.Detail) == 0 || encoder.Encode(n.Detail) != nil {
		return ""
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// CEF is a row as a line of the Common Event Format: seven fields between bars, then
// pairs. In the fields \ and | are escaped, in the pairs \, = and line breaks.
func (n Named) CEF(said string) string {
	noun, _, _ := strings.Cut(n.Act, ":")
	var b strings.Builder
	for _, field := range []string{"CEF:0", "Nidan", "Nidan", "1", n.Act, said, strconv.Itoa(severity(n.Act))} {
		b.WriteString(cefField.Replace(field) + "|")
	}
	pairs := []string{
		"rt", strconv.FormatInt(n.At.UnixMilli(), 10), "externalId", n.Chain + "/" + strconv.FormatInt(n.Seq, 10),
		"cat", noun, "act", n.Act[strings.LastIndex(n.Act, ":")+1:],
		"suid", n.Actor.ID, "suser", first(n.ActorEmail, n.ActorName, n.Actor.ID), "spriv", string(n.Actor.Kind),
		"duid", n.Subject, "duser", first(n.SubjectEmail, n.SubjectName, n.Subject),
	}
	pairs = append(pairs, cefSource(n.Network)...)
	for i, one := range [][2]string{{"Organization", first(n.Organization, n.Chain)}, {"Detail", n.detail()}, {"Digest", hex.EncodeToString(n.Digest)}} {
		if one[1] != "" {
			key := "cs" + strconv.Itoa(i+1)
			pairs = append(pairs, key+"Label", one[0], key, one[1])
		}
	}
	written := false
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" || pairs[i+1] == "-" {
			continue
		}
		if written {
			b.WriteByte(' ')
		}
		b.WriteString(pairs[i] + "=" + cefValue.Replace(pairs[i+1]))
		written = true
	}
	return b.String()
}

// A field of the header has no line breaks at all.
var (
	cefField = strings.NewReplacer(`\`, `\\`, `|`, `\|`, "\r", " ", "\n", " ")
	cefValue = strings.NewReplacer(`\`, `\\`, `=`, `\=`, "\r", `\r`, "\n", `\n`)
)

// cefSource is where from: src is an IPv4 address, the first custom IPv6 field the rest.
func cefSource(text string) []string {
	network, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return nil
	case network.Addr().Is4():
		return []string{"src", network.Addr().String()}
	}
	return []string{"c6a2Label", "Source IPv6 Address", "c6a2", network.Addr().String()}
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// severity is how much attention an act asks for, from 0 to 10: what happens all day
// is low, what was refused medium, what opens or ends something high.
func severity(act string) int {
	switch act {
	case "account:second-step:stopped", "account:second-step:void", "portal:password:alarmed":
		return 9
	case "organization:network-check:opened", "portal:clock:accepted", "operator:link:given", "account:pass:given":
		return 7
	}
	if strings.HasPrefix(act, "portal:operator:") || strings.HasPrefix(act, "portal:key:") {
		return 7
	}
	switch act[strings.LastIndex(act, ":")+1:] {
	case "refused", "denied":
		return 5
	case "suspended", "deleted", "removed", "withdrawn", "exported":
		return 6
	case "changed", "given", "reset", "set", "added", "imported", "on", "off", "enrolled", "planned", "cancelled", "lifted", "returned":
		return 4
	}
	return 2
}

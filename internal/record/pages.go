package record

import (
	"context"
	"embed"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"nidan/internal/act"
	"nidan/internal/audit"
	"nidan/internal/fault"
	"nidan/internal/page"
	"nidan/internal/phrase"
	"nidan/internal/route"
	"nidan/internal/secret"
	"nidan/internal/session"
	"nidan/internal/store"
)

//go:embed pages
var pageFiles embed.FS

// Words are this room's phrases.
//
//go:embed words
var Words embed.FS

// perPage is how many rows a page shows.
const perPage = 50

// Needs is what the room works with.
type Needs struct {
	DB   *store.DB
	Keys *secret.Keys
	Site *page.Site
}

// Room is the pages of this room.
type Room struct {
	Needs
	page *page.Room
	acts []string // that have a phrase, in order
}

// New reads the pages.
func New(n Needs) (*Room, error) {
	if n.DB == nil || n.Keys == nil || n.Site == nil {
		return nil, errors.New("record: something is missing that the room needs")
	}
	pages, err := n.Site.Room(pageFiles)
	return &Room{Needs: n, page: pages, acts: Acts(n.Site.Book())}, err
}

// Acts are the acts that a book can say, in order.
func Acts(book *phrase.Book) (list []string) {
	for _, key := range book.Keys() {
		if a, ok := strings.CutPrefix(key, actKey); ok {
			list = append(list, a)
		}
	}
	slices.Sort(list)
	return list
}

// Say says an act in a language; one that has no phrase by its own name.
func Say(book *phrase.Book, lang phrase.Lang) func(string) string {
	return func(a string) string {
		if !book.Has(actKey + a) {
			return a
		}
		return book.Say(lang, actKey+a)
	}
}

// Routes are this room's lines of the route map.
func (rm *Room) Routes() []route.Route {
	return []route.Route{
		{Pattern: "GET /operator/audit", Gate: act.Gate(act.SeeRecord), Serve: rm.Site.Serve(rm.search)},
		{Pattern: "GET /operator/audit/failures", Gate: act.Gate(act.SeeRecord), Serve: rm.Site.Serve(rm.failures)},
		{Pattern: "GET /operator/audit/export", Gate: act.Gate(act.ExportRecord), Serve: rm.Site.Serve(rm.export)},
		{Pattern: "GET /operator/audit/{chain}/{seq}", Gate: act.Gate(act.SeeRecord), Serve: rm.Site.Serve(rm.row)},
		{Pattern: "GET /history", Gate: act.Gate(act.SeeHistory), Serve: rm.Site.Serve(rm.history)},
		{Pattern: "GET /history.csv", Gate: act.Gate(act.ExportHistory), Serve: rm.Site.Serve(rm.historyTable)},
	}
}

// taken records that somebody takes a copy, if the gate and the table of acts still
// let him, and answers until when it holds everything: its own row is the last.
func (rm *Room) taken(ctx context.Context, a act.Act, entry audit.Entry) (until time.Time, err error) {
	v := session.Of(ctx)
	entry.Actor, entry.Network = v.Actor(), v.From
	return until, rm.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := v.Still(ctx, tx); err != nil {
			return err
		}
		if answer := act.May(a, v.Who(tx.Now()), act.Whom{}); answer != act.Allowed {
			return fault.New(fault.Refused, first(answer.Why(), "session.refused"))
		}
		until = tx.Now().Add(time.Microsecond)
		return audit.Record(ctx, tx, rm.Keys, entry)
	})
}

// address is a path with those of the values that are not empty.
func address(path string, values url.Values, pairs ...string) string {
	query := url.Values{}
	for name, list := range values {
		if len(list) > 0 && list[0] != "" && name != "lang" {
			query.Set(name, list[0])
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Del(pairs[i])
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// written is a place as an address carries it, and parsed its meaning; the zero Place
// when it has none.
func (p Place) written() string {
	return strconv.FormatInt(store.Micros(p.At), 10) + "." + strconv.FormatInt(p.Seq, 10) + "." + p.Chain
}

func parsed(text string) Place {
	part := strings.SplitN(text, ".", 3)
	if len(part) != 3 || !chainText(part[2]) {
		return Place{}
	}
	at, err1 := strconv.ParseInt(part[0], 10, 64)
	seq, err2 := strconv.ParseInt(part[1], 10, 64)
	if err1 != nil || err2 != nil || at <= 0 {
		return Place{}
	}
	return Place{At: store.Time(at), Chain: part[2], Seq: seq}
}

// chainText says whether a text can be a chain's name.
func chainText(text string) bool {
	return len(text) <= 64 && strings.Trim(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-") == ""
}

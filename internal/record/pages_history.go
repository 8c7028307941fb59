package record

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"nidan/internal/act"
	"nidan/internal/audit"
	"nidan/internal/page"
	"nidan/internal/session"
)

// lookBacks are the days a history can be asked for; the last is all that is kept.
var lookBacks = []int{7, 30, 90, 400}

// Step is a row of a history with what became of it.
type Step struct {
	Named
	Outcome
}

type historyView struct {
	page.View
	Steps       []Step
	Person      string // as typed
	Days        []page.Option
	Next, First string
	CSV         string
	All         bool
}

// ofOrganization reads what is asked of the visitor's own organization. Whoever it
// has not is asked for in vain: of another organization, or never there, alike.
func (rm *Room) ofOrganization(r *http.Request) (f Filter, view *historyView, err error) {
	query, say, organization := r.URL.Query(), rm.Site.Speak(r), session.Of(r.Context()).Ref.Organization
	f = Filter{Chain: organization, SignIns: true, Nothing: organization == ""}
	view = &historyView{Person: clip(query.Get("person"))}
	days := lookBacks[1]
	for _, n := range lookBacks {
		if query.Get("days") == strconv.Itoa(n) {
			days = n
		}
	}
	for _, n := range lookBacks {
		view.Days = append(view.Days, page.Option{Value: strconv.Itoa(n), Label: say.T("record.days_" + strconv.Itoa(n)), Checked: n == days})
	}
	f.From = rm.Site.Now().AddDate(0, 0, -days)
	view.All = view.Person == ""
	switch {
	case view.Person == "":
	case plainID(view.Person):
		f.Subject = view.Person
	default:
		if f.Subject, err = own(r.Context(), rm.DB, organization, view.Person); err != nil {
			return f, nil, err
		}
		f.Nothing = f.Nothing || f.Subject == ""
	}
	return f, view, nil
}

// clip makes what came by an address short and fit for the store.
func clip(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(strings.TrimSpace(text), ""), "\x00", "")
	runes := []rune(text)
	return string(runes[:min(len(runes), 254)])
}

func (rm *Room) history(w http.ResponseWriter, r *http.Request) error {
	f, view, err := rm.ofOrganization(r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	before := parsed(query.Get("before"))
	rows, err := Newest(r.Context(), rm.DB, f, before, perPage+1)
	if err != nil {
		return err
	}
	if len(rows) > perPage {
		rows = rows[:perPage]
		view.Next = address("/history", query, "before", rows[perPage-1].place().written())
	}
	if !before.At.IsZero() {
		view.First = address("/history", query, "before", "")
	}
	for _, row := range rows {
		view.Steps = append(view.Steps, Step{row, outcome(row.Act, row.Detail)})
	}
	view.CSV = address("/history.csv", query, "before", "")
	return rm.page.Show(w, r, http.StatusOK, "history", "record.history_title", view)
}

// historyTable is the history as a file to keep.
func (rm *Room) historyTable(w http.ResponseWriter, r *http.Request) error {
	f, view, err := rm.ofOrganization(r)
	if err != nil {
		return err
	}
	subject := f.Subject
	if subject == "" {
		subject = f.Chain
	}
	until, err := rm.taken(r.Context(), act.ExportHistory, audit.Entry{Chain: f.Chain, Act: "organization:history:exported", Subject: subject,
		Detail: map[string]string{"person": view.Person, "since": f.From.UTC().Format(time.RFC3339)}})
	if err != nil {
		return err
	}
	f.Until = until
	say := rm.Site.Speak(r)
	header := []string{say.T("record.when") + " (UTC)", say.T("record.name"), say.T("record.email"), "id", say.T("record.what"), say.T("record.from_where")}
	return page.CSV(w, "history-"+until.UTC().Format("20060102-150405")+".csv", header, func(write func(cells ...string) error) error {
		return Each(r.Context(), rm.DB, f, func(n Named) error {
			return write(n.At.UTC().Format(time.RFC3339), n.SubjectName, n.SubjectEmail, n.Subject,
				say.T("record.outcome_"+string(outcome(n.Act, n.Detail))), n.Network)
		})
	})
}

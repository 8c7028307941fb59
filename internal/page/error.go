package page

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"nidan/internal/fault"
	"nidan/internal/store"
)

type errorView struct {
	View
	Status int
	Text   string
	Next   string // what to do now, where the text does not say it
	Outage bool   // the database could not do it for now
	Until  time.Time
	Number string // of the request, where something failed on our side
}

// RequestNumber is the header that holds the number of a request.
const RequestNumber = "X-Request-Id"

// Number is the number of the request that w answers; empty where none was given.
func Number(w http.ResponseWriter) string { return w.Header().Get(RequestNumber) }

// errorPages are the statuses whose page has a title of its own, and a next step
// where the fault's text cannot know it.
var errorPages = map[int]string{
	http.StatusForbidden:          "page.error_403",
	http.StatusNotFound:           "page.error_404",
	http.StatusTooManyRequests:    "page.error_429",
	http.StatusServiceUnavailable: "page.error_503",
}

// Fail answers with the error page. What is not a fault is logged with the route's
// pattern and told to nobody else.
func (s *Site) Fail(w http.ResponseWriter, r *http.Request, err error) {
	f, title, outage := fault.Of(err), "page.error_title", false
	if f == nil {
		if f = s.outage(w, r, err); f != nil {
			title, outage = "page.outage_title", true
		}
	}
	if f == nil {
		if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
			return // the client hung up: nobody is there to be told
		}
		s.log.LogAttrs(r.Context(), slog.LevelError, "request failed",
			slog.String("request", Number(w)), slog.String("route", r.Pattern), slog.String("error", err.Error()))
		f = fault.New(fault.Internal, "page.internal")
	}
	status := Status(f.Kind)
	var broken plain
	if errors.As(err, &broken) {
		status = broken.status
	}
	if !f.Until.IsZero() {
		RetryAfter(w, s.Now(), f.Until)
	}
	view := &errorView{Status: status, Until: f.Until, Outage: outage}
	if f.Kind == fault.Internal || outage {
		view.Number = Number(w)
	}
	say := s.Speak(r)
	view.Text = say.T(f.Phrase, f.Args...)
	if own, ok := errorPages[status]; ok && !outage {
		title = own + "_title"
		if s.book.Has(own + "_next") {
			view.Next = say.T(own + "_next")
		}
	}
	if err := s.errors.Show(w, r, status, "error", title, view); err != nil {
		s.log.Error("the error page failed", slog.String("error", err.Error()))
		http.Error(w, http.StatusText(status), status)
	}
}

// outages are what a database fails with for a while: what is said, and when another
// try makes sense. Of all but the first it is certain that nothing was changed.
var outages = []struct {
	err    error
	phrase string
	wait   time.Duration
}{
	{store.ErrUnsure, "page.unsure", 10 * time.Second},
	{store.ErrFull, "page.no_room", time.Minute},
	{store.ErrBusy, "page.busy", 5 * time.Second},
	{store.ErrAway, "page.away", 10 * time.Second},
}

// outage is the fault of a database that cannot do it for now; nil for another error.
// It is logged, since nobody else tells the operators.
func (s *Site) outage(w http.ResponseWriter, r *http.Request, err error) *fault.Fault {
	for _, o := range outages {
		if !errors.Is(err, o.err) {
			continue
		}
		s.log.LogAttrs(r.Context(), slog.LevelError, "the database could not do it",
			slog.String("request", Number(w)), slog.String("route", r.Pattern), slog.String("error", err.Error()))
		now := s.Now()
		RetryAfter(w, now, now.Add(o.wait))
		return fault.New(fault.Closed, o.phrase, "wait", s.Speak(r).Span(o.wait))
	}
	return nil
}

// ErrForeign refuses a form that another site sent.
var ErrForeign = fault.New(fault.Refused, "page.form_foreign")

// Missing answers for an address that no page of the portal has.
func (s *Site) Missing(w http.ResponseWriter, r *http.Request) {
	s.Fail(w, r, fault.New(fault.NotFound, "page.missing"))
}

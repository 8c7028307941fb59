package ticket

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"nidan/internal/fault"
	"nidan/internal/limit"
	"nidan/internal/session"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

// waiting is how many attachments no deed has claimed.
func (s *scene) waiting() int { return s.count("attachment where number is null") }

// breaks sends a form with two files, and the line breaks off within the second.
func (s *scene) breaks(v *session.Visit, path string, fields []string) {
	s.t.Helper()
	whole := upload(path, fields, "one.txt", "the first", "two.txt", strings.Repeat("x", 2*chunk))
	body, err := io.ReadAll(whole.Body)
	must(s.t, err)
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	whole.Body = io.NopCloser(broken{bytes.NewReader(body[:len(body)-chunk]), cancel})
	if got := s.serve(v, whole.WithContext(ctx)); got.Code < 400 {
		s.t.Errorf("half of a form was taken: %d", got.Code)
	}
}

// A browser sends all files again: after a line that broke off, a refusal that shows no
// form, a step back. Each of them is in the ticket once, whichever form brought it.
func TestFilesThatAreSentAgainAreThereOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka, mika := s.person(s.org, "Haruka Sato", "en"), s.staff("Mika")
		files := []string{"one.txt", "the first", "two.txt", "the second"}
		spent := func(rate limit.Rate, do func()) func() {
			return func() {
				for range rate.Burst {
					do()
				}
			}
		}
		busy := func(v *session.Visit, do func()) {
			was := v.Again
			v.Again = func(context.Context, *store.Tx) error { return fault.New(fault.Closed, "ticket.unknown") }
			do()
			v.Again = was
		}
		s.opened(haruka)
		for name, form := range map[string]struct {
			who    *session.Visit
			path   string
			fields []string
			fill   func() // uses up what may be sent at once; nil: nothing does
		}{
			"a new ticket": {haruka, "/tickets/new", announced, spent(often, func() { s.ask(haruka, "POST", "/tickets/new", announced...) })},
			"a comment": {haruka, "/tickets/T-1", []string{"act", "comment", "text", "see the files"}, spent(talkative, func() {
				s.ask(haruka, "POST", "/tickets/T-1", append(s.form(haruka, "/tickets/T-1"), "act", "comment", "text", "x")...)
			})},
			"an answer": {mika, "/operator/tickets/T-1", []string{"act", "answer", "text", "see the files"}, nil},
		} {
			fields := func() []string { return append(s.form(form.who, form.path), form.fields...) }
			once := func(how string, sent []string) {
				t.Helper()
				before := s.count("attachment where number is not null")
				got := s.serve(form.who, upload(form.path, sent, files...))
				if n := s.count("attachment where number is not null") - before; got.Code != 303 || n != 2 || s.waiting() != 0 {
					t.Errorf("%s, %s: %d with %d files of two, and %d wait", name, how, got.Code, n, s.waiting())
				}
			}
			nothing := func(how string) {
				t.Helper()
				if n := s.waiting(); n != 0 {
					t.Errorf("%s, %s: %d files wait", name, how, n)
				}
			}
			sent := fields()
			s.breaks(form.who, form.path, sent)
			nothing("broken off")
			once("broken off", sent)

			// The node ended within the second: what it had kept is left.
			sent = fields()
			for range MostFiles {
				_, err := Keep(t.Context(), s.DB, s.org, form.who.Ref, sent[1], "one.txt", strings.NewReader("the first"))
				must(t, err)
			}
			once("a node that ended", sent)

			sent = fields()
			busy(form.who, func() { s.is(s.serve(form.who, upload(form.path, sent, files...)), 503) })
			nothing("503")
			once("503", sent)

			if form.fill != nil {
				form.fill()
				sent = fields()
				s.is(s.serve(form.who, upload(form.path, sent, files...)), 429)
				nothing("429")
				s.Clock.Set(s.Clock.Now().Add(6 * time.Hour))
				once("429", sent)
			}

			// A double click, and a repeated request.
			sent = fields()
			once("sent", sent)
			s.serve(form.who, upload(form.path, sent, files...))
			nothing("sent twice")
		}
	})
}

func TestAFormThatIsShownAgainKeepsEachFileOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka, mika := s.person(s.org, "Haruka Sato", "en"), s.staff("Mika")
		s.opened(haruka)
		for name, form := range map[string]struct {
			who          *session.Visit
			path         string
			right, wrong []string
		}{
			"a new ticket": {haruka, "/tickets/new", announced, append(append([]string{}, announced...), "summary", "")},
			"a comment":    {haruka, "/tickets/T-1", []string{"act", "comment", "text", "x"}, []string{"act", "comment", "text", ""}},
			"an answer":    {mika, "/operator/tickets/T-1", []string{"act", "answer", "text", "x"}, []string{"act", "answer", "text", ""}},
		} {
			shown := func() (fields []string, first *httptest.ResponseRecorder) {
				fields = s.form(form.who, form.path)
				first = s.serve(form.who, upload(form.path, append(fields, single(form.wrong)...), "one.txt", "the first", "two.txt", "the second"))
				s.is(first, 422, "one.txt has arrived", "two.txt has arrived")
				return fields, first
			}
			sent := func(how string, want int, fields []string, files ...string) {
				t.Helper()
				before := s.count("attachment where number is not null")
				got := s.serve(form.who, upload(form.path, append(fields, form.right...), files...))
				if n := s.count("attachment where number is not null") - before; got.Code != 303 || n != want || s.waiting() != 0 {
					t.Errorf("%s, %s: %d with %d files of %d, and %d wait", name, how, got.Code, n, want, s.waiting())
				}
			}
			fields, first := shown()
			second := s.serve(form.who, upload(form.path, append(append(fields, kept(first)...), single(form.wrong)...)))
			s.is(second, 422, "one.txt has arrived", "two.txt has arrived")
			sent("shown twice", 2, append(fields, kept(second)...))

			fields, _ = shown()
			sent("gone back to the first page", 2, fields, "one.txt", "the first", "two.txt", "the second")

			fields, first = shown()
			sent("with one more", 3, append(fields, kept(first)...), "three.txt", "the third")

			fields, first = shown()
			sent("with one less", 1, append(append(fields, kept(first)...), strings.Replace(kept(first)[0], "kept-", "drop-", 1), "yes"))
		}
	})
}

// What has gone since the form was shown is told, and what was typed is kept.
func TestFilesThatHaveGoneAreTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka := s.person(s.org, "Haruka Sato", "en")
		wrong, token := single(append(append([]string{}, announced...), "summary", "")), []string{"form", strings.Repeat("a", 36)}
		send := func(kept, fields []string, files ...string) *httptest.ResponseRecorder {
			return s.serve(haruka, upload("/tickets/new", append(append(append([]string{}, token...), kept...), fields...), files...))
		}
		first := send(nil, wrong, "one.txt", "x")
		s.is(first, 422, "one.txt has arrived")
		s.Clock.Set(s.Clock.Now().Add(25 * time.Hour))
		s.in(func(ctx context.Context, tx *store.Tx) error { _, err := Forget(ctx, tx); return err })
		// Also where something else is wrong: the page that comes next names it no more.
		s.is(send(kept(first), wrong), 422, "Some files were not kept; attach them again", "認証アプリの設定ができません。", "Enter a summary")
		gone := send(kept(first), announced)
		s.is(gone, 422, "Some files were not kept; attach them again", "認証アプリの設定ができません。")
		if s.count("ticket") != 0 || strings.Contains(gone.Body.String(), "one.txt has arrived") {
			t.Error("a ticket was made without its file")
		}
		s.is(s.serve(haruka, func() *http.Request {
			return upload("/tickets/new?lang=ja", append(append(append([]string{}, token...), kept(first)...), announced...))
		}()), 422, "もう一度添付してください")
		s.to(send(kept(gone), announced, "one.txt", "x"), "/tickets/T-1?done=created")

		// Another tab with the same form: what only the first one names goes, and it says so.
		token[1] = strings.Repeat("b", 36)
		first = send(nil, wrong, "one.txt", "x")
		s.is(send(nil, wrong, "other.txt", "y"), 422, "other.txt has arrived")
		gone = send(kept(first), announced)
		s.is(gone, 422, "Some files were not kept")
		s.to(send(kept(gone), announced, "one.txt", "x"), "/tickets/T-2?done=created")
		s.to(send(kept(first), announced), "/tickets/T-2?done=created") // the ticket is there: nothing is missing
		if s.count("attachment where number = 2") != 1 || s.waiting() != 0 {
			t.Errorf("%d files, %d wait", s.count("attachment where number = 2"), s.waiting())
		}
	})
}

// Of two requests with one form at once, the one that began first takes nothing away
// from the other.
func TestARequestLeavesAloneWhatAnotherIsOnlyNowSending(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		haruka := s.person(s.org, "Haruka Sato", "en")
		fields := append([]string{"form", strings.Repeat("a", 36)}, announced...)
		r := upload("/tickets/new", fields, "one.txt", "x")
		body, err := io.ReadAll(r.Body)
		must(t, err)
		var later string
		at := bytes.Index(body, []byte("one.txt")) - 100
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:at]), readerFunc(func() {
			if later == "" {
				f, err := Keep(t.Context(), s.DB, s.org, haruka.Ref, fields[1], "later.txt", strings.NewReader("y"))
				must(t, err)
				later = f.ID
			}
		}), bytes.NewReader(body[at:])))
		s.to(s.serve(haruka, r), "/tickets/T-1?done=created")
		if later == "" || s.count("attachment where number is null and id = '"+later+"'") != 1 || s.count("attachment where number = 1") != 1 {
			t.Error("the other request's file has gone, or came along")
		}
	})
}

// readerFunc is nothing to read, and does something then.
type readerFunc func()

func (f readerFunc) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

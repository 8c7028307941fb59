package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"nidan/internal/config"
	"nidan/internal/mail"
	"nidan/internal/page"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

var numberText = regexp.MustCompile(`^[0-9a-f]{16}$`)

func TestARequestHasOneNumberInItsAnswerItsPageAndTheLog(t *testing.T) {
	w := storetest.Open(t, storetest.SQLite(t))
	var log bytes.Buffer
	settings, err := config.Load("", []string{"NIDAN_TRUSTED_PROXIES=10.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Needs{Config: settings, DB: w.DB, Keys: w.Keys, Clock: w.Clock, Sender: nowhere{},
		Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Pool.Close()
	ask := func(path, from, number string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		r.RemoteAddr = from + ":1234"
		r.Header.Set(page.RequestNumber, number)
		answer := httptest.NewRecorder()
		log.Reset()
		p.Handler().ServeHTTP(answer, r)
		return answer
	}
	for _, c := range []struct {
		from, number string
		kept         bool
	}{
		{"10.0.0.1", "proxy-0123", true},
		{"10.0.0.2", "proxy-0123", false}, // a stranger chooses no number
		{"10.0.0.1", "short", false},
		{"10.0.0.1", "with a space and <b>", false},
		{"10.0.0.1", strings.Repeat("a", 65), false},
	} {
		got := ask("/start/a-link-that-opens", c.from, c.number).Header().Get(page.RequestNumber)
		if (got == c.number) != c.kept || !c.kept && !numberText.MatchString(got) {
			t.Errorf("%+v: %q", c, got)
		}
		var line struct{ Msg, Request, Route, Status string }
		if err := json.Unmarshal(log.Bytes(), &line); err != nil || line.Request != got || line.Route != "GET /start/{token}" || line.Msg != "answered" {
			t.Errorf("the log: %s, %v", log.String(), err)
		}
		if strings.Contains(log.String(), "a-link-that-opens") || strings.Contains(log.String(), c.from) {
			t.Errorf("the log names a link or an address: %s", log.String())
		}
	}
	p.Site.Fail(&httptest.ResponseRecorder{}, httptest.NewRequest("GET", "/", nil), errors.New("without a number")) // has none to show
	if err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `alter table policy rename to lost`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	answer := ask("/status", "10.0.0.2", "")
	number := answer.Header().Get(page.RequestNumber)
	if answer.Code < 500 || !strings.Contains(answer.Body.String(), number) || !strings.Contains(log.String(), `"request":"`+number+`"`) {
		t.Errorf("%d without its number %s in the page or the log: %s", answer.Code, number, log.String())
	}
}

// gone is a mail server that does not answer.
type gone struct{}

func (gone) Send(context.Context, mail.Message) error {
	return &mail.Failure{Step: "connect", Text: "refused"}
}

func TestReadinessTellsOfMailAndItIsNoReasonToBeUnready(t *testing.T) {
	w := storetest.Open(t, storetest.SQLite(t))
	k := walk(t, w)
	k.people()
	k.portal.Post = mail.NewPost(w.DB, w.Keys, w.Clock, gone{}, "portal@example.com", k.portal.Log)
	stands := func() (mail, reason string) {
		answer := httptest.NewRecorder()
		k.portal.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/readyz", nil))
		var body struct{ Mail, Reason string }
		if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		return body.Mail, body.Reason
	}
	_, before := stands() // the clock of this test is not the machine's, which is a reason
	k.do("", "POST", "/password/forgot", 303, "email", "app@aozora.example", "name", "app", "phone", "0312345678")
	if err := k.portal.Post.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if mail, _ := stands(); mail != "ok" {
		t.Errorf("at once: %q", mail)
	}
	k.later(2 * time.Minute)
	if mail, reason := stands(); !strings.Contains(mail, "connect: refused") || reason != before {
		t.Errorf("later: %q, %q", mail, reason)
	}
	k.portal.Post = mail.NewPost(w.DB, w.Keys, w.Clock, catcher{k.mailbox}, "portal@example.com", k.portal.Log)
	if mail, _ := stands(); mail != "ok" {
		t.Errorf("mended: %q", mail)
	}
}

func TestMetricsTellHowTheNodeStands(t *testing.T) {
	w := storetest.Open(t, storetest.SQLite(t))
	k := walk(t, w)
	k.people()
	k.do("", "POST", "/password/forgot", 303, "email", "app@aozora.example", "name", "app", "phone", "0312345678")
	k.later(time.Minute)
	answer := httptest.NewRecorder()
	k.portal.metrics.handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{`nidan_mail_waiting{lane="code"} 1`, `nidan_mail_oldest_due_seconds{lane="code"} 60`, `nidan_mail_waiting{lane="bulk"} 0`,
		"nidan_hash_running 0", "nidan_hash_waiting 0", "nidan_clock_behind_seconds 0", "nidan_mail_failing_seconds 0",
		`nidan_http_request_duration_seconds_count{route="POST /password/forgot",status="303"} 1`} {
		if !strings.Contains(answer.Body.String(), line+"\n") {
			t.Errorf("it lacks %s", line)
		}
	}
	if strings.Contains(answer.Body.String(), "aozora") {
		t.Error("it names somebody")
	}
}

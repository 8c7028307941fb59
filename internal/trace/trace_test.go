package trace

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// collector takes what is sent to it, as an OTLP collector does.
type collector struct {
	*httptest.Server
	mu   sync.Mutex
	docs []document
	text strings.Builder
}

func collect(t *testing.T) (*collector, *url.URL) {
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var doc document
		if r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/json" || err != nil || json.Unmarshal(body, &doc) != nil {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.docs = append(c.docs, doc)
		c.text.Write(body)
	}))
	t.Cleanup(c.Close)
	u, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	return c, u
}

func (c *collector) spans() map[string]span {
	found := map[string]span{}
	for _, doc := range c.docs {
		for _, s := range doc.ResourceSpans[0].ScopeSpans[0].Spans {
			found[s.Name] = s
		}
	}
	return found
}

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestARequestItsStatementsAndItsStatusAreOneTrace(t *testing.T) {
	c, address := collect(t)
	end := Start(address, "1.2.3", "node 1", slog.New(slog.DiscardHandler))
	r := httptest.NewRequest("POST", "/password/reset/a-link-that-opens", nil)
	r.Header.Set("Traceparent", parent)
	r, answered := Request(r, "POST /password/reset/{token}", "0123456789abcdef", true)
	_, ended := Begin(r.Context(), "write", Text("db.query.text", "update x set y = $1"), Number("n", 3))
	ended(errors.New("somebody's value"))
	answered(500)
	stranger := httptest.NewRequest("GET", "/", nil)
	stranger.Header.Set("Traceparent", parent)
	_, answered = Request(stranger, "GET /", "fedcba9876543210", false)
	answered(200)
	if err := end(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := c.spans()
	post, write, get := got["POST /password/reset/{token}"], got["write"], got["GET /"]
	if post.TraceID != "4bf92f3577b34da6a3ce929d0e0e4736" || post.ParentID != "00f067aa0ba902b7" || post.Kind != 2 || post.Status.Code != 2 {
		t.Errorf("the request: %+v", post)
	}
	if write.TraceID != post.TraceID || write.ParentID != post.SpanID || write.Kind != 1 || write.Status.Code != 2 || len(write.Attributes) != 2 {
		t.Errorf("its statement: %+v", write)
	}
	if get.TraceID == post.TraceID || get.ParentID != "" || get.Status.Code != 0 {
		t.Errorf("a stranger chose his trace: %+v", get)
	}
	for _, secret := range []string{"a-link-that-opens", "somebody's value"} {
		if strings.Contains(c.text.String(), secret) {
			t.Errorf("it tells %q", secret)
		}
	}
	for _, said := range []string{`"service.name","value":{"stringValue":"nidan"}`, `"1.2.3"`, `"node 1"`, `"http.response.status_code","value":{"intValue":"500"}`} {
		if !strings.Contains(c.text.String(), said) {
			t.Errorf("it does not tell %s", said)
		}
	}
}

func TestWhatNoRequestAskedForBeginsNoSpan(t *testing.T) {
	c, address := collect(t)
	end := Start(address, "", "", slog.New(slog.DiscardHandler))
	_, ended := Begin(t.Context(), "poll")
	ended(nil)
	_, ended = Root(t.Context(), "send a letter")
	ended(nil)
	if err := end(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.spans(); len(got) != 1 || got["send a letter"].Name == "" {
		t.Errorf("%v", got)
	}
}

func TestOffItCostsNothingAndACollectorThatIsGoneHoldsUpNobody(t *testing.T) {
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		_, ended := Begin(ctx, "write")
		ended(nil)
	}); On() || n != 0 {
		t.Errorf("on: %v, %v allocations", On(), n)
	}
	var log strings.Builder
	end := Start(&url.URL{Scheme: "http", Host: "127.0.0.1:1"}, "", "", slog.New(slog.NewTextHandler(&log, nil)))
	_, ended := Root(context.Background(), "send a letter")
	ended(nil)
	if err := end(t.Context()); err == nil && !strings.Contains(log.String(), "NIDAN_TRACES") {
		t.Errorf("nobody is told: %v, %q", err, log.String())
	}
	if On() {
		t.Error("on after its end")
	}
}

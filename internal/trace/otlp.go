package trace

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// sendFor bounds how long a collector is waited for.
const sendFor = 10 * time.Second

// exporter sends spans as OTLP's JSON (OpenTelemetry Protocol 1.x, "OTLP/HTTP"). The
// project's own exporter links gRPC even where HTTP is spoken (docs/decisions/0022).
type exporter struct {
	address string
	client  *http.Client
}

func newExporter(collector *url.URL) *exporter {
	return &exporter{address: collector.JoinPath("v1", "traces").String(), client: &http.Client{Timeout: sendFor}}
}

// The shapes of OTLP's JSON: ids in hexadecimal, 64-bit numbers as text.
type (
	document struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	container struct {
		Attributes []pair `json:"attributes"`
	}
	resourceSpans struct {
		Resource   container    `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	scopeSpans struct {
		Scope struct {
			Name string `json:"name"`
		} `json:"scope"`
		Spans []span `json:"spans"`
	}
	span struct {
		TraceID    string `json:"traceId"`
		SpanID     string `json:"spanId"`
		ParentID   string `json:"parentSpanId,omitempty"`
		Name       string `json:"name"`
		Kind       int    `json:"kind"`
		Began      string `json:"startTimeUnixNano"`
		Ended      string `json:"endTimeUnixNano"`
		Attributes []pair `json:"attributes,omitempty"`
		Status     status `json:"status"`
	}
	status struct {
		Code    int    `json:"code,omitempty"`
		Message string `json:"message,omitempty"`
	}
	pair struct {
		Key   string         `json:"key"`
		Value map[string]any `json:"value"`
	}
)

// statusOf are OTLP's numbers of a span's end; the API numbers them otherwise.
var statusOf = map[codes.Code]int{codes.Ok: 1, codes.Error: 2}

// ExportSpans sends some spans; the SDK calls it with each batch.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if len(spans) == 0 {
		return nil
	}
	text, err := json.Marshal(written(spans))
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.address, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := e.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection is used again
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("the collector answered %s to %d spans", answer.Status, len(spans))
	}
	return nil
}

// Shutdown has nothing to do: the SDK has handed over everything by then.
func (e *exporter) Shutdown(context.Context) error { return nil }

func written(spans []sdk.ReadOnlySpan) document {
	of := resourceSpans{Resource: container{pairs(spans[0].Resource().Attributes())}}
	scope := scopeSpans{}
	scope.Scope.Name = spans[0].InstrumentationScope().Name
	for _, s := range spans {
		one := span{TraceID: s.SpanContext().TraceID().String(), SpanID: s.SpanContext().SpanID().String(),
			Name: s.Name(), Kind: int(s.SpanKind()), Began: nanos(s.StartTime()), Ended: nanos(s.EndTime()),
			Attributes: pairs(s.Attributes()), Status: status{statusOf[s.Status().Code], s.Status().Description}}
		if s.Parent().HasSpanID() {
			one.ParentID = s.Parent().SpanID().String()
		}
		scope.Spans = append(scope.Spans, one)
	}
	of.ScopeSpans = []scopeSpans{scope}
	return document{[]resourceSpans{of}}
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

func pairs(list []attribute.KeyValue) (out []pair) {
	for _, kv := range list {
		value := map[string]any{"stringValue": kv.Value.String()}
		if kv.Value.Type() == attribute.INT64 {
			value = map[string]any{"intValue": strconv.FormatInt(kv.Value.AsInt64(), 10)}
		}
		out = append(out, pair{string(kv.Key), value})
	}
	return out
}

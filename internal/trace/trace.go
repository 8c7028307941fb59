package trace

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// tracer makes the spans of this process; nil: none are made.
var tracer atomic.Pointer[trace.Tracer]

// Start sends spans to a collector from now on, for as long as the process runs or
// until end, which sends what is left. version is the program's, node where it runs.
func Start(collector *url.URL, version, node string, log *slog.Logger) (end func(context.Context) error) {
	about := resource.NewSchemaless(attribute.String("service.name", "nidan"),
		attribute.String("service.version", version), attribute.String("service.instance.id", node))
	provider := sdk.NewTracerProvider(sdk.WithBatcher(newExporter(collector)), sdk.WithResource(about),
		sdk.WithSampler(sdk.ParentBased(sdk.AlwaysSample())))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		log.Warn("traces are not taken", slog.String("setting", "NIDAN_TRACES"), slog.String("error", err.Error()))
	}))
	made := provider.Tracer("nidan")
	tracer.Store(&made)
	return func(ctx context.Context) error {
		tracer.Store(nil)
		return provider.Shutdown(ctx)
	}
}

// On says whether spans are made.
func On() bool { return tracer.Load() != nil }

func nothing(error) {}

// Begin begins a span within the one of ctx, and answers how it ends: with what went
// wrong, or nil. Without a span in ctx it begins none, so that what runs by itself all
// day fills no collector.
func Begin(ctx context.Context, name string, about ...attribute.KeyValue) (context.Context, func(error)) {
	made := tracer.Load()
	if made == nil || !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, nothing
	}
	return begin(ctx, *made, name, trace.SpanKindInternal, about)
}

// Root begins a span of its own, of something that no request asked for.
func Root(ctx context.Context, name string, about ...attribute.KeyValue) (context.Context, func(error)) {
	made := tracer.Load()
	if made == nil {
		return ctx, nothing
	}
	return begin(ctx, *made, name, trace.SpanKindInternal, about)
}

func begin(ctx context.Context, made trace.Tracer, name string, kind trace.SpanKind, about []attribute.KeyValue) (context.Context, func(error)) {
	ctx, span := made.Start(ctx, name, trace.WithSpanKind(kind), trace.WithAttributes(about...))
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, "failed") // its text may hold what somebody typed
		}
		span.End()
	}
}

// Request begins the span of a request to a route. parent is taken from its header
// (W3C Trace Context) only where trusted, since whoever writes it chooses what is kept.
// answered ends it with the status that went out.
func Request(r *http.Request, route, id string, trusted bool) (_ *http.Request, answered func(status int)) {
	made := tracer.Load()
	if made == nil {
		return r, func(int) {}
	}
	ctx := r.Context()
	if trusted {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	ctx, span := (*made).Start(ctx, route, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", r.Method), attribute.String("http.route", route), attribute.String("nidan.request", id)))
	return r.WithContext(ctx), func(status int) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// Text and Number describe a span.
func Text(key, value string) attribute.KeyValue { return attribute.String(key, value) }

// Number describes a span by a number.
func Number(key string, value int) attribute.KeyValue { return attribute.Int(key, value) }

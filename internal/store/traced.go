package store

import (
	"context"

	"nidan/internal/trace"
)

// stated begins the span of a statement: its text, never its values.
func stated(ctx context.Context, text string) (ended func(error)) {
	if !trace.On() {
		return untraced
	}
	_, ended = trace.Begin(ctx, "statement", trace.Text("db.query.text", text))
	return ended
}

func untraced(error) {}

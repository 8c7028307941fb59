package figure

import "context"

func (r *Run) people(ctx context.Context) error { return nil }

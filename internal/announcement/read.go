package announcement

import (
	"context"
	"fmt"

	"nidan/internal/maintenance"
	"nidan/internal/rollout"
	"nidan/internal/store"
)

// Read reads what was planned, with the versions of the plans that an
// organization's people may be told of; "" reads those of the whole portal.
func Read(ctx context.Context, r store.Reader, organization string) (rec Record, err error) {
	if rec.Book, err = rollout.ReadBook(ctx, r); err != nil {
		return Record{}, fmt.Errorf("announcement: %w", err)
	}
	if rec.Windows, err = maintenance.Windows(ctx, r); err != nil {
		return Record{}, fmt.Errorf("announcement: %w", err)
	}
	rec.Versions = map[string][]rollout.Version{}
	for _, p := range rec.Book.Plans {
		if p.Organization != "" && p.Organization != organization {
			continue
		}
		if rec.Versions[p.ID], err = rollout.Versions(ctx, r, p.Organization, p.ID); err != nil {
			return Record{}, fmt.Errorf("announcement: %w", err)
		}
	}
	return rec, nil
}

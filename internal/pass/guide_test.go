package pass

import (
	"context"
	"testing"

	"nidan/internal/audit"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
)

func TestAStartingGuideIsOneRecordAndOneLetterAndReplacesTheOlder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, w storetest.World) {
		s := open(t, w)
		to, v := s.add("taro@aozora.example"), s.operator()
		var first, second Pass
		for _, p := range []*Pass{&first, &second} {
			s.in(func(ctx context.Context, tx *store.Tx) (err error) {
				*p, err = s.room.desk.Guide(ctx, tx, v, to)
				return err
			})
		}
		if first.ID == second.ID || second.Kind != Guide || second.Expires != w.Clock.Now().Add(Guide.Valid()) {
			t.Errorf("%+v, then %+v", first, second)
		}
		if n := s.count(`pass where kind = 'guide' and replaced_at is null`); n != 1 {
			t.Errorf("%d guides are open", n)
		}
		if n := s.count(`mail where kind = 'starting-guide' and expires_at is not null`); n != 2 {
			t.Errorf("%d letters that expire with their guide", n)
		}
		rows, err := audit.Read(t.Context(), w.DB, audit.Filter{Chain: s.org, Act: "account:guide:given"})
		if err != nil || len(rows) != 2 {
			t.Errorf("%d records, %v", len(rows), err)
		}
	})
}

package web

import (
	"log/slog"
	"strings"
	"testing"

	"nidan/internal/config"
	"nidan/internal/store/storetest"
)

func TestAHashCostsWhatTheSettingsSay(t *testing.T) {
	t.Parallel()
	w := storetest.Open(t, storetest.SQLite(t))
	for _, c := range []struct {
		settings []string
		begins   string
	}{
		{nil, "$argon2id$v=19$m=47104,t=1,p=1$"},
		{[]string{"NIDAN_HASH_MEMORY=standard"}, "$argon2id$v=19$m=47104,t=1,p=1$"},
		{[]string{"NIDAN_HASH_MEMORY=small"}, "$argon2id$v=19$m=19456,t=2,p=1$"},
	} {
		settings, err := config.Load("", c.settings)
		if err != nil {
			t.Fatal(err)
		}
		p, err := New(Needs{Config: settings, DB: w.DB, Keys: w.Keys, Clock: w.Clock, Log: slog.New(slog.DiscardHandler), Sender: nowhere{}})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Pool.Close()
		if hash, err := p.Pool.Hash(t.Context(), typed); err != nil || !strings.HasPrefix(hash, c.begins) {
			t.Errorf("%v: %s, %v", c.settings, hash, err)
		}
	}
}

package web

import (
	"bytes"
	"context"
	"regexp"
	"testing"
	"time"

	"nidan/internal/audit"
	"nidan/internal/backup"
	"nidan/internal/clock"
	"nidan/internal/secret"
	"nidan/internal/store"
	"nidan/internal/store/storetest"
	"nidan/internal/store/testpostgres"
)

// The lost portal worked to its last second, and the restored one opens in the same.
func TestARestoredPortalTakesPasswordAndNextCodeAndNothingElse(t *testing.T) {
	for engine, place := range map[string]func() string{
		"sqlite": func() string { return t.TempDir() + "/target.db" }, "postgresql": func() string { return testpostgres.Database(t) },
	} {
		t.Run("on "+engine, func(t *testing.T) {
			source := storetest.SQLite
			if engine == "sqlite" {
				source = storetest.PostgreSQL
			}
			w := storetest.Open(t, source(t))
			k := walk(t, w)
			k.people()
			k.do("", "POST", "/signin", 303, "email", "mailed@aozora.example", "password", typed)
			pending, code := k.client, k.mailed()
			k.browser()
			k.do("", "POST", "/password/forgot", 303, "email", "app@aozora.example", "name", "app", "phone", "0312345678")
			if err := k.portal.Post.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			link := regexp.MustCompile(`/password/reset/\S+`).FindString((*k.mailbox)[len(*k.mailbox)-1].Text)
			k.do("", "GET", link, 200)
			k.do("", "POST", "/signin", 303, "email", "app@aozora.example", "password", typed)
			k.do("", "POST", "/signin/code", 303, "code", k.code())
			k.do("", "GET", "/profile", 200)
			signedIn := k.client
			file := takeOf(t, w)

			to := restoredTo(t, w, file, place())
			after := walk(t, to)
			after.key = k.key
			after.client = signedIn
			after.do("", "GET", "/profile", 303)
			after.client = pending
			after.do("", "POST", "/signin/code", 403, "code", code)
			after.browser()
			after.do("", "POST", "/signin", 303, "email", "mailed@aozora.example", "password", typed)
			after.do("", "POST", "/signin/code", 422, "code", code)
			after.browser()
			after.do("", "POST", link, 404, "password", "another long passphrase 7", "password_again", "another long passphrase 7")
			after.do("", "POST", "/signin", 303, "email", "app@aozora.example", "password", typed)
			after.do("", "POST", "/signin/code", 422, "code", after.code()) // it was accepted in the time that was lost
			to.Clock.Set(to.Clock.Now().Add(30 * time.Second))
			after.do("", "POST", "/signin/code", 422, "code", after.code()) // it may have been
			to.Clock.Set(to.Clock.Now().Add(30 * time.Second))
			after.do("", "POST", "/signin/code", 303, "code", after.code())
			after.do("", "GET", "/profile", 200)
			if err := after.portal.Post.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, m := range *after.mailbox {
				if regexp.MustCompile(`/password/reset/\S+`).MatchString(m.Text) {
					t.Error("the old link was mailed again")
				}
			}
		})
	}
}

func takeOf(t *testing.T, w storetest.World) []byte {
	t.Helper()
	check := []byte("check")
	err := w.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return store.MarkPortal(ctx, tx, check, false) })
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if _, err := backup.Take(t.Context(), backup.Source{DB: w.DB, Keys: w.Keys, Product: "test"}, &file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func restoredTo(t *testing.T, w storetest.World, file []byte, place string) storetest.World {
	t.Helper()
	to := storetest.World{Clock: clock.At(w.Clock.Now()), Keys: w.Keys}
	db, err := store.Open(context.Background(), place, to.Clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	to.DB = db
	opened, err := backup.Open(bytes.NewReader(file), w.Keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = opened.Restore(t.Context(), backup.Target{DB: db, Clock: to.Clock, House: time.UTC, By: audit.Actor{Kind: audit.KindConsole, ID: "root"}, Place: "x",
		Keys: func(context.Context) (*secret.Keys, error) { return w.Keys, nil }})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

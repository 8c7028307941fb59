package web

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nidan/internal/config"
	"nidan/internal/mail"
	"nidan/internal/password"
	"nidan/internal/route"
	"nidan/internal/store/storetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

type nowhere struct{}

func (nowhere) Send(context.Context, mail.Message) error { return nil }

// cheap is Argon2id as cheap as it gets: hashes are counted here, not weighed.
var cheap = password.Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}

func portal(t testing.TB, w storetest.World, demo bool) *Portal {
	t.Helper()
	c, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Needs{Config: c, DB: w.DB, Keys: w.Keys, Clock: w.Clock, Log: slog.New(slog.DiscardHandler), Sender: nowhere{}, Demo: demo, HashCost: cheap})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Pool.Close)
	return p
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what is served; read the difference, then run this test with -update\ngot:\n%s", path, got)
	}
}

func TestTheRouteMapIsWrittenInOnePlace(t *testing.T) {
	p := portal(t, storetest.Open(t, storetest.SQLite(t)), true)
	routes := slices.Concat(p.Routes(), []route.Route{p.metrics.route()})
	slices.SortFunc(routes, func(a, b route.Route) int { return strings.Compare(byPath(a), byPath(b)) })
	var text strings.Builder
	for _, rt := range routes {
		fmt.Fprintf(&text, "%-36s %s\n", rt.Pattern, rt.Gate)
	}
	golden(t, "routes.golden", text.String())
}

func byPath(rt route.Route) string {
	method, path, _ := strings.Cut(rt.Pattern, " ")
	return path + " " + method
}

func TestARouteWithoutAGateStopsTheProgramAtItsStart(t *testing.T) {
	serve := func(http.ResponseWriter, *http.Request) {}
	if err := check([]route.Route{{Pattern: "GET /x", Serve: serve}}); err == nil {
		t.Error("a route without a gate was taken")
	}
	if err := check([]route.Route{{Pattern: "GET /x", Gate: route.SignedIn}}); err == nil {
		t.Error("a route that serves nothing was taken")
	}
	if err := check([]route.Route{{Pattern: "GET /x", Gate: route.SignedIn, Serve: serve}}); err != nil {
		t.Error(err)
	}
}

package demo

import (
	"embed"

	"nidan/internal/clock"
	"nidan/internal/page"
	"nidan/internal/route"
	"nidan/internal/secret"
	"nidan/internal/store"
)

//go:embed words
var wordFiles embed.FS

// Words are this room's phrases.
var Words = wordFiles

// Needs is what the demo's pages work with.
type Needs struct {
	DB    *store.DB
	Keys  *secret.Keys
	Site  *page.Site
	Clock *clock.Clock
}

// Room is the demo's pages.
type Room struct{ Needs }

// New reads the room's pages.
func New(n Needs) (*Room, error) { return &Room{n}, nil }

// Routes are the room's lines of the route map.
func (rm *Room) Routes() []route.Route { return nil }

package house

import (
	"fmt"
	"slices"
	"strings"
)

// floors are the rooms from the ground up. A room imports only rooms on lines
// above its own; rooms on one line do not know each other. The second floor is
// a stair, one room a line, and so is the roof: cli starts web.
var floors = [][]string{
	{"trace"}, // where time goes: beneath everything
	{"config", "fault", "secret", "store", "phrase", "route", "plot", "prose"}, // ground: knows nothing of the portal
	{"hours"},                                                                       // business time: the setting, the holidays, the days of operators
	{"clock"},                                                                       // its own step of the ground: it keeps the latest instant in the store
	{"keyring"},                                                                     // which key seals, and what nodes have; reads the nodes of the clock
	{"page", "mail", "audit", "limit"},                                              // what every room uses
	{"organization"}, {"progress"}, {"account"}, {"act"}, {"operator"}, {"session"}, // who
	{"password", "totp", "mailotp", "pass", "maintenance", "address", "notice", "ticket"}, // the announcement's parts
	{"rollout", "verification"},               // the announcement as one thing; the ledger of second steps
	{"announcement"}, {"guide"}, {"reminder"}, // what everybody reads of it
	{"signin"},    // the decision
	{"rehearsal"}, // the decision asked ahead of time, about everybody
	{"setup", "profile", "delivery", "people", "registry", "record", "network", "importing", "home", "contact", "demo", "oidc", "forward", "api"}, // other applications
	{"backup"},                              // everything, carried elsewhere
	{"web"}, {"figure"}, {"cli"}, {"crash"}, // roof
}

// floorOf is the line of a room, -1 when it has none.
func floorOf(room string) int {
	return slices.IndexFunc(floors, func(rooms []string) bool { return slices.Contains(rooms, room) })
}

// isOfThePortal says whether a room is one of the portal's own words: above the
// ground, which knows nothing of it, and below the roof, which only serves it.
func isOfThePortal(room string) bool {
	return floorOf(room) > floorOf("config") && floorOf(room) < floorOf("web")
}

func importsGoDown(t *tree) (breaches []string) {
	unknown := map[string]bool{}
	for _, s := range t.code {
		if !s.in("internal", "cmd") || isSupport(s.dir()) {
			continue
		}
		room := s.room()
		if room != "" && floorOf(room) < 0 {
			if !unknown[room] {
				unknown[room] = true
				breaches = append(breaches, fmt.Sprintf("%s: the room %q has no floor: give it one in internal/house/floors_test.go, "+
					"above every room it imports, and say in docs/words.md what the word means", t.at(s.file.Name), room))
			}
			continue
		}
		for target, spec := range s.imports() {
			dir, ours := strings.CutPrefix(target, module)
			if !ours {
				continue
			}
			if what := wrongImport(s, room, dir); what != "" {
				breaches = append(breaches, t.at(spec)+": "+what)
			}
		}
	}
	return breaches
}

// wrongImport says what is wrong about a file of a room ("" is cmd) importing dir.
func wrongImport(s *source, room, dir string) string {
	target := roomOf(dir)
	switch {
	case isSupport(dir) && s.isTest(), target != "" && target == room && !isSupport(dir):
		return ""
	case isSupport(dir):
		return dir + " only helps tests: import it in a file that ends in _test.go"
	case target == "":
		return dir + " is not a room: what others use lives in a room below internal/"
	case floorOf(target) < 0, room == "", floorOf(target) < floorOf(room):
		return ""
	case s.isTest() && floorOf(target) == floorOf(room):
		return "" // a test may set its scene with a neighbour
	case floorOf(target) == floorOf(room):
		return fmt.Sprintf("%s and %s are on one floor and do not know each other: take what is needed as a parameter, "+
			"or let a room above bring the two together", room, target)
	}
	return fmt.Sprintf("%s imports %s, which is above it: take what is needed as a parameter, "+
		"or as an interface of at most three methods declared here", room, target)
}

// drivers open a database.
var drivers = []string{"database/sql", "github.com/jackc/pgx", "github.com/lib/pq", "modernc.org/sqlite", "github.com/mattn/go-sqlite3"}

func onlyTheStoreKnowsDrivers(t *tree) (breaches []string) {
	for _, s := range t.code {
		if !s.ships() || s.room() == "store" {
			continue
		}
		for target, spec := range s.imports() {
			if slices.ContainsFunc(drivers, func(driver string) bool {
				return target == driver || strings.HasPrefix(target, driver+"/")
			}) {
				breaches = append(breaches, fmt.Sprintf("%s: only internal/store imports %s: take a store.Tx or store.Reader, "+
					"and compare with the errors of store", t.at(spec), target))
			}
		}
	}
	return breaches
}

// drawers are names that say nothing and fill up with everything.
var drawers = []string{"util", "common", "model", "type", "helper", "service", "manager"}

func packagesAreNouns(t *tree) (breaches []string) {
	seen := map[string]bool{}
	for _, s := range t.code {
		for _, name := range []string{s.file.Name.Name, s.dir()[strings.LastIndexByte(s.dir(), '/')+1:]} {
			if !seen[s.dir()] && slices.Contains(drawers, strings.TrimSuffix(strings.TrimSuffix(name, "s"), "_test")) {
				seen[s.dir()] = true
				breaches = append(breaches, fmt.Sprintf("%s: a package called %q gathers everything: name it by the portal's word for "+
					"what it holds, or put its parts where they are used", t.at(s.file.Name), name))
			}
		}
	}
	return breaches
}

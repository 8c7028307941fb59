package house

import (
	"fmt"
	"go/ast"
	"maps"
	"regexp"
	"slices"
	"strings"
)

func sqlStandsInStoreFiles(t *tree) (breaches []string) {
	for _, s := range t.code {
		if !s.ships() || s.room() == "store" {
			continue
		}
		ast.Inspect(s.file, func(node ast.Node) bool {
			text, ok := literal(node)
			if !ok || !isSQL(text) {
				return true
			}
			verb, _, _ := strings.Cut(strings.TrimSpace(text), " ")
			switch {
			case !s.isStore():
				breaches = append(breaches, fmt.Sprintf("%s: SQL (%q) stands only in store.go or store_*.go of the room that owns the table: "+
					"make it a function there", t.at(node), verb+" …"))
			case verb != strings.ToLower(verb):
				breaches = append(breaches, fmt.Sprintf("%s: SQL is written in lower case: %s", t.at(node), strings.ToLower(verb)))
			}
			return true
		})
	}
	return breaches
}

var written = regexp.MustCompile(`(?i)\b(?:insert\s+into|delete\s+from)\s+(\w+)|\bupdate\s+(\w+)(?:\s+(?:as\s+)?\w+)?\s+set\b`)

func aRoomWritesItsOwnTables(t *tree) (breaches []string) {
	tables := schema(t)
	for _, s := range statements(t) {
		for _, match := range written.FindAllStringSubmatch(s.text, -1) {
			name := match[1] + match[2]
			owners := tables[name].owners
			if len(owners) > 0 && !slices.Contains(owners, s.room) {
				breaches = append(breaches, fmt.Sprintf("%s: %s.%s writes the table %s of %s, says the section in internal/store/migrations: "+
					"call a function of that room", s.where, s.room, s.function, name, strings.Join(owners, ", ")))
			}
		}
	}
	return breaches
}

// read is a table that a statement names, or a list of them after "from".
var read = regexp.MustCompile(`(?i)\b(?:from|join|into|update|using)\s+(\w+(?:\s+(?:as\s+)?\w+)?(?:\s*,\s*\w+(?:\s+(?:as\s+)?\w+)?)*)`)

// condition begins the part of a statement that says which rows. A column that
// is only selected or set does not keep one organization from another's rows.
var condition = regexp.MustCompile(`(?i)\b(where|on|into)\b`)

var organizationID = regexp.MustCompile(`(?i)\borganization_id\b`)

// ofOrganizations are the tables with an organization_id that a statement names.
func (s statement) ofOrganizations(tables map[string]table) (names []string) {
	for _, match := range read.FindAllStringSubmatch(s.text, -1) {
		for _, item := range strings.Split(match[1], ",") {
			name := strings.ToLower(strings.Fields(item)[0])
			if tables[name].ofOrganization && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func (s statement) namesTheOrganization() bool {
	start := condition.FindStringIndex(s.text)
	return start != nil && organizationID.MatchString(s.text[start[0]:])
}

// crossings are statements that may reach another organization's rows and are
// not allowed to.
func crossings(t *tree, allowed map[string]string) (breaches []string) {
	for _, s := range unconditional(t) {
		key := s.room + "." + s.function
		if _, ok := allowed[key]; ok {
			continue
		}
		breaches = append(breaches, fmt.Sprintf("%s: %s asks %s without a condition on organization_id, and so may reach another "+
			"organization's rows: add `organization_id = $n`, or, for a look-up by address, session or token digest or the portal's own work, "+
			"list %q with the reason in %s", s.where, key, strings.Join(s.ofOrganizations(schema(t)), ", "), key, allowances))
	}
	return breaches
}

// leftOver are allowances that no statement needs.
func leftOver(t *tree, allowed map[string]string) (breaches []string) {
	needed := map[string]bool{}
	for _, s := range unconditional(t) {
		needed[s.room+"."+s.function] = true
	}
	for _, key := range slices.Sorted(maps.Keys(allowed)) {
		if !needed[key] {
			breaches = append(breaches, fmt.Sprintf("%s: %q is allowed and no statement needs it: remove it",
				t.lineOf(allowances, `"`+key+`"`), key))
		}
	}
	return breaches
}

// unconditional are the statements on tables of organizations that do not say
// which organization.
func unconditional(t *tree) (found []statement) {
	tables := schema(t)
	for _, s := range statements(t) {
		if len(s.ofOrganizations(tables)) > 0 && !s.namesTheOrganization() {
			found = append(found, s)
		}
	}
	return found
}

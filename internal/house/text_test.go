package house

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"strings"
)

// The parts are joined here so that this file does not break its own rule.
var (
	ofOneMachine = regexp.MustCompile(`(?m)(?:^|[^\w./-])(/(?:root|work|home)/[\w.-]*)`)
	registry     = regexp.MustCompile(`(?i)\b((?:registry\.npmjs|registry\.yarnpkg|proxy\.golang|sum\.golang|deb\.debian|files\.pythonhosted)` + `\.org)\b`)
)

func textFitsEveryMachine(t *tree) (breaches []string) {
	for _, name := range t.paths(func(string) bool { return true }) {
		for i, line := range strings.Split(t.files[name], "\n") {
			if match := ofOneMachine.FindStringSubmatch(line); match != nil {
				breaches = append(breaches, fmt.Sprintf("%s:%d: %s is a place on one machine: write it from the repository's root, "+
					"or let the reader choose", name, i+1, match[1]))
			}
			if match := registry.FindStringSubmatch(line); match != nil {
				breaches = append(breaches, fmt.Sprintf("%s:%d: %s is one registry's host: the reader's own client knows where to ask",
					name, i+1, match[1]))
			}
		}
	}
	return breaches
}

func goldenFilesAreRead(t *tree) (breaches []string) {
	goldens := t.paths(func(name string) bool { return path.Ext(name) == ".golden" })
	for _, golden := range goldens {
		home, _, found := strings.Cut(golden, "/testdata/")
		if !found {
			breaches = append(breaches, golden+": belongs into the testdata folder of its test")
			continue
		}
		if !isNamedByTestsIn(t, home, path.Base(golden)) {
			breaches = append(breaches, fmt.Sprintf("%s: no test in %s names it: remove it, or compare with it again", golden, home))
		}
	}
	return breaches
}

// isNamedByTestsIn says whether tests of a folder name a golden file, whole or
// as its stem and ".golden" put together.
func isNamedByTestsIn(t *tree, dir, golden string) bool {
	var tests strings.Builder
	for _, name := range t.paths(func(name string) bool { return path.Dir(name) == dir && strings.HasSuffix(name, "_test.go") }) {
		tests.WriteString(t.files[name])
	}
	text := tests.String()
	return strings.Contains(text, golden) ||
		strings.Contains(text, ".golden") && strings.Contains(text, strings.TrimSuffix(golden, ".golden"))
}

// routeMap is the one place to read every route with its gate. The test of web
// compares it with what is served; here a route must not be missing from it.
const routeMap = "internal/web/testdata/routes.golden"

var routePattern = regexp.MustCompile(`^(GET|HEAD|POST|PUT|PATCH|DELETE) /\S*$`)

func everyRouteIsOnTheMap(t *tree) (breaches []string) {
	drawn := map[string]bool{}
	for _, line := range strings.Split(t.files[routeMap], "\n") {
		if words := strings.Fields(line); len(words) >= 2 {
			drawn[words[0]+" "+words[1]] = true
		}
	}
	for _, s := range t.code {
		if !s.ships() {
			continue
		}
		ast.Inspect(s.file, func(node ast.Node) bool {
			pattern, ok := literal(node)
			if ok && routePattern.MatchString(pattern) && !drawn[pattern] {
				breaches = append(breaches, fmt.Sprintf("%s: the route %q is not in %s: let a room's Routes() give it to web, "+
					"then write the map anew (go test ./internal/web -update)", t.at(node), pattern, routeMap))
			}
			return true
		})
	}
	return breaches
}

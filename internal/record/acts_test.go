package record

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nidan/internal/phrase"
)

// verbs are the ends of acts that the code puts together, by their beginning.
var verbs = map[string][]string{
	"account:address:":    {"asked", "sent", "withdrawn"},
	"help:day:":           {"said", "unsaid"},
	"help:template:":      {"saved", "dropped"},
	"help:ticket:":        {"opened", "commented", "answered", "closed", "noted", "assigned", "deleted", "told", "untold"},
	"maintenance:window:": {"planned", "cancelled", "lifted"},
	"portal:key:":         {"added", "activated", "rotated", "retired"},
	"portal:notice:":      {"published", "changed", "withdrawn"},
	"portal:operator:":    {"added", "reset"},
	"rollout:period:":     {"planned", "changed", "withdrawn"},
}

var (
	wholeAct = regexp.MustCompile(`^[a-z][a-z0-9-]*(:[a-z][a-z0-9-]*){2}$`)
	partAct  = regexp.MustCompile(`^([a-z][a-z0-9-]*:){2}$`)
)

// written are all acts that the code below a folder names, with where.
func written(t *testing.T, root string) map[string]string {
	t.Helper()
	acts := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			lit, ok := node.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			value, err := strconv.Unquote(lit.Value)
			switch {
			case err != nil:
			case wholeAct.MatchString(value):
				acts[value] = path
			case partAct.MatchString(value) && !strings.HasPrefix(value, "password:"): // those are names of allowances
				if len(verbs[value]) == 0 {
					t.Errorf("%s puts acts of %q together: say in this test which", path, value)
				}
				for _, verb := range verbs[value] {
					acts[value+verb] = path
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return acts
}

func TestEveryActThatIsRecordedAnywhereHasItsPhrase(t *testing.T) {
	book, err := phrase.NewBook(Words)
	if err != nil {
		t.Fatal(err)
	}
	acts := written(t, "..")
	if len(acts) < 40 {
		t.Errorf("only %d acts were found", len(acts))
	}
	for _, a := range slices.Sorted(maps.Keys(acts)) {
		if !book.Has(actKey + a) {
			t.Errorf("%s records %q: say it in words/en.json and ja.json as %q", acts[a], a, actKey+a)
		}
		noun, _, _ := strings.Cut(a, ":")
		if !book.Has("record.noun_" + noun) {
			t.Errorf("%s records %q: its noun lacks %q", acts[a], a, "record.noun_"+noun)
		}
	}
	if said := Say(book, phrase.Japanese)("account:password:refused"); said != "パスワードの間違い" {
		t.Error(said)
	}
	if said := Say(book, phrase.English)("nobody:ever:did"); said != "nobody:ever:did" {
		t.Error(said)
	}
	if got := fmt.Sprint(Matching(Acts(book), "record"), Matching(Acts(book), "acc"), Matching(Acts(book), "")); got != "[record:rows:exported] [acc] []" {
		t.Error(got)
	}
}

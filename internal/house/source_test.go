package house

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
)

// impure is what the file of a room's words and rule does without.
var impure = []string{"context", "net/http", "database/sql"}

func theRuleOfARoomIsPure(t *tree) (breaches []string) {
	for _, s := range t.code {
		room := s.room()
		if s.path != "internal/"+room+"/"+room+".go" || !isOfThePortal(room) {
			continue
		}
		for _, target := range impure {
			if spec := s.imports()[target]; spec != nil {
				breaches = append(breaches, fmt.Sprintf("%s: %s.go holds the words and the rule of its room and does without %s: "+
					"what asks the database goes to store.go, what answers a browser to pages.go", t.at(spec), room, target))
			}
		}
	}
	return breaches
}

func onlyTheClockReadsTheTime(t *tree) (breaches []string) {
	for _, s := range t.code {
		local := s.localName("time")
		if !s.ships() || local == "" || s.dir() == "internal/clock" || isBench(s) {
			continue
		}
		ast.Inspect(s.file, func(node ast.Node) bool {
			selector, ok := node.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			ident, ok := selector.X.(*ast.Ident)
			// An ident with an object is a variable that happens to be called time.
			if ok && ident.Name == local && ident.Obj == nil && slices.Contains([]string{"Now", "Since", "Until"}, selector.Sel.Name) {
				breaches = append(breaches, fmt.Sprintf("%s: time.%s reads the machine's time, which stories and the demo cannot set: "+
					"take now as a parameter, from internal/clock", t.at(node), selector.Sel.Name))
			}
			return true
		})
	}
	return breaches
}

// isBench says whether a file measures, and so needs the machine's own time.
func isBench(s *source) bool {
	return path.Base(s.dir()) == "bench" || strings.HasPrefix(s.name(), "bench")
}

func interfacesAreSmall(t *tree) (breaches []string) {
	named := map[string]*ast.InterfaceType{} // by folder and name
	for _, s := range t.code {
		ast.Inspect(s.file, func(node ast.Node) bool {
			if spec, ok := node.(*ast.TypeSpec); ok {
				if face, ok := spec.Type.(*ast.InterfaceType); ok {
					named[s.dir()+"."+spec.Name.Name] = face
				}
			}
			return true
		})
	}
	for _, s := range t.code {
		if !s.ships() {
			continue
		}
		ast.Inspect(s.file, func(node ast.Node) bool {
			face, ok := node.(*ast.InterfaceType)
			if !ok {
				return true
			}
			if n := methods(named, s.dir(), face); n > 3 {
				breaches = append(breaches, fmt.Sprintf("%s: an interface of %d methods, and three are the most: "+
					"declare at each consumer only what it calls", t.at(node), n))
			}
			return true
		})
	}
	return breaches
}

// methods counts with those of embedded interfaces of the same package; one
// from elsewhere counts as one.
func methods(named map[string]*ast.InterfaceType, dir string, face *ast.InterfaceType) (n int) {
	for _, field := range face.Methods.List {
		ident, embedded := field.Type.(*ast.Ident)
		switch {
		case len(field.Names) > 0:
			n += len(field.Names)
		case embedded && named[dir+"."+ident.Name] != nil:
			n += methods(named, dir, named[dir+"."+ident.Name])
		default:
			n++
		}
	}
	return n
}

func filesAreShort(t *tree) (breaches []string) {
	var decisions strings.Builder
	for _, name := range t.paths(func(name string) bool { return strings.HasPrefix(name, "docs/decisions/") }) {
		decisions.WriteString(t.files[name])
	}
	for _, name := range t.paths(isWritten) {
		lines := strings.Count(t.files[name], "\n")
		switch {
		case name == "cmd/nidan/main.go" && lines >= 60:
			breaches = append(breaches, fmt.Sprintf("%s: %d lines, and main stays under 60: "+
				"what it does by itself belongs to internal/cli", name, lines))
		case path.Base(name) == "doc.go" && lines > 25:
			breaches = append(breaches, fmt.Sprintf("%s: %d lines, and 25 are the most: "+
				"purpose, routes, tables, what the room never does", name, lines))
		case lines > 500 && !strings.Contains(decisions.String(), name):
			breaches = append(breaches, fmt.Sprintf("%s: %d lines, and above 500 it takes a note in docs/decisions/ that names this file: "+
				"split it by what it is about", name, lines))
		}
	}
	return breaches
}

// isWritten says whether people wrote a file to be read.
func isWritten(name string) bool {
	kinds := []string{".go", ".html", ".css", ".js", ".sql", ".sh"}
	return slices.Contains(kinds, path.Ext(name)) && !strings.Contains(name, "/axe/") && !strings.Contains(name, "/testdata/")
}

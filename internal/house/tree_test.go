package house

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "nidan/"

// tree is the repository's text: every file by its path from the root, with
// slashes, and the Go files parsed.
type tree struct {
	fset  *token.FileSet
	files map[string]string
	code  []*source
}

// source is one Go file.
type source struct {
	path string
	file *ast.File
}

func (s *source) dir() string  { return path.Dir(s.path) }
func (s *source) name() string { return path.Base(s.path) }
func (s *source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }
func (s *source) ships() bool  { return !s.isTest() && !isSupport(s.dir()) && s.in("internal", "cmd") }
func (s *source) room() string { return roomOf(s.dir()) }
func (s *source) isStore() bool {
	return s.name() == "store.go" || strings.HasPrefix(s.name(), "store_")
}

// in says whether the file is below one of these top folders.
func (s *source) in(tops ...string) bool {
	top, _, _ := strings.Cut(s.path, "/")
	return slices.Contains(tops, top)
}

// imports are the file's imports with the name each has here.
func (s *source) imports() map[string]*ast.ImportSpec {
	all := map[string]*ast.ImportSpec{}
	for _, spec := range s.file.Imports {
		target, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
		all[target] = spec
	}
	return all
}

// localName is what the file calls an import, "" when it has no such import.
func (s *source) localName(target string) string {
	spec := s.imports()[target]
	switch {
	case spec == nil:
		return ""
	case spec.Name != nil:
		return spec.Name.Name
	}
	return path.Base(target)
}

// roomOf is the folder just below internal, "" elsewhere.
func roomOf(dir string) string {
	rest, ok := strings.CutPrefix(dir, "internal/")
	if !ok {
		return ""
	}
	room, _, _ := strings.Cut(rest, "/")
	return room
}

// isSupport says whether a folder only helps tests: it may import anything, and
// nothing that ships may import it.
func isSupport(dir string) bool {
	for _, name := range strings.Split(dir, "/") {
		if name == "house" || name == "story" || strings.HasSuffix(name, "test") || strings.HasPrefix(name, "test") {
			return true
		}
	}
	return false
}

// at is where a node stands, as compilers write it.
func (t *tree) at(node ast.Node) string {
	where := t.fset.Position(node.Pos())
	return fmt.Sprintf("%s:%d", where.Filename, where.Line)
}

// paths are the paths of all files for which pick holds, in order.
func (t *tree) paths(pick func(string) bool) []string {
	var picked []string
	for _, name := range slices.Sorted(maps.Keys(t.files)) {
		if pick(name) {
			picked = append(picked, name)
		}
	}
	return picked
}

// lineOf is the place of the first occurrence of text in a file.
func (t *tree) lineOf(name, text string) string {
	before, _, _ := strings.Cut(t.files[name], text)
	return fmt.Sprintf("%s:%d", name, 1+strings.Count(before, "\n"))
}

// plant makes a tree of a few files, to show a rule a breach.
func plant(t *testing.T, files map[string]string) *tree {
	t.Helper()
	planted := &tree{fset: token.NewFileSet(), files: files}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		parsed, err := parser.ParseFile(planted.fset, name, files[name], parser.ParseComments)
		if err != nil {
			t.Fatalf("%v\nThe rules of the house are checked on Go that parses: mend this first.", err)
		}
		planted.code = append(planted.code, &source{name, parsed})
	}
	return planted
}

// repository reads the tree this test stands in.
func repository(t *testing.T) *tree {
	t.Helper()
	root := os.DirFS(filepath.Join("..", ".."))
	files := map[string]string{}
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			hidden := strings.HasPrefix(entry.Name(), ".") && name != "." && name != ".ci"
			if hidden || name == "demo-data" || name == "screenshots" {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() || name == ".git" { // a file in a second work tree
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		if !bytes.ContainsRune(text, 0) {
			files[name] = string(text)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("read the repository: %v", err)
	}
	return plant(t, files)
}

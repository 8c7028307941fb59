package house

import (
	"fmt"
	"go/ast"
	"slices"
	"testing"
)

// declared is a type of the portal by folder and name, as far as views need it: what it
// embeds, and the names that its own fields and methods take.
type declared struct {
	embeds []string // folder.name
	names  map[string]ast.Node
}

const theView = "internal/page.View"

// declarations are all types that a page could be shown from.
func declarations(t *tree) map[string]*declared {
	all := map[string]*declared{}
	of := func(name string) *declared {
		if all[name] == nil {
			all[name] = &declared{names: map[string]ast.Node{}}
		}
		return all[name]
	}
	for _, s := range t.code {
		if s.isTest() || !s.in("internal") {
			continue
		}
		ast.Inspect(s.file, func(node ast.Node) bool { // within functions too
			switch node := node.(type) {
			case *ast.TypeSpec:
				if fields, ok := node.Type.(*ast.StructType); ok {
					of(s.dir()+"."+node.Name.Name).fields(s, fields)
				}
			case *ast.FuncDecl:
				if node.Recv != nil {
					if whose := pathOf(s, node.Recv.List[0].Type); whose != "" {
						of(whose).names[node.Name.Name] = node.Name
					}
				}
			}
			return true
		})
	}
	return all
}

func (d *declared) fields(s *source, of *ast.StructType) {
	for _, field := range of.Fields.List {
		for _, name := range field.Names {
			d.names[name.Name] = name
		}
		if len(field.Names) > 0 {
			continue
		}
		if embedded := pathOf(s, field.Type); embedded != "" {
			d.embeds = append(d.embeds, embedded)
			d.names[shortOf(embedded)] = field
		}
	}
}

// pathOf is a type by folder and name, through a pointer or with arguments too; empty
// for one that is not the portal's.
func pathOf(s *source, kind ast.Expr) string {
	switch kind := kind.(type) {
	case *ast.StarExpr:
		return pathOf(s, kind.X)
	case *ast.IndexExpr:
		return pathOf(s, kind.X)
	case *ast.Ident:
		return s.dir() + "." + kind.Name
	case *ast.SelectorExpr:
		if room, ok := kind.X.(*ast.Ident); ok {
			for target := range s.imports() {
				if s.localName(target) == room.Name && len(target) > len(module) && target[:len(module)] == module {
					return target[len(module):] + "." + kind.Sel.Name
				}
			}
		}
	}
	return ""
}

func shortOf(kind string) string {
	for i := len(kind) - 1; i >= 0; i-- {
		if kind[i] == '.' {
			return kind[i+1:]
		}
	}
	return kind
}

// A page's own field or method of a name that every page's view has takes its place in
// the layout: without a word the frame shows something else, or nothing.
func viewsHideNothingOfTheFrame(t *tree) (breaches []string) {
	all := declarations(t)
	frame := all[theView]
	if frame == nil {
		return nil // a planted tree without pages
	}
	for kind, d := range all {
		if kind == theView || !isView(all, kind, nil) {
			continue
		}
		for name, where := range d.named(all, kind, nil) {
			if _, taken := frame.names[name]; taken && ast.IsExported(name) {
				breaches = append(breaches, fmt.Sprintf("%s: %s of %s hides that of page.View from the layout: give it another name",
					t.at(where), name, kind))
			}
		}
	}
	return breaches
}

// isView says whether a type embeds page.View, be it through another.
func isView(all map[string]*declared, kind string, seen []string) bool {
	if kind == theView {
		return true
	}
	d := all[kind]
	return d != nil && !slices.Contains(seen, kind) &&
		slices.ContainsFunc(d.embeds, func(e string) bool { return isView(all, e, append(seen, kind)) })
}

// named are the names of a type itself and of what it embeds beside page.View and other
// views: of two of a name, at one depth, a template finds neither.
func (d *declared) named(all map[string]*declared, kind string, seen []string) map[string]ast.Node {
	names := map[string]ast.Node{}
	for name, where := range d.names {
		names[name] = where
	}
	for _, embedded := range d.embeds {
		inner := all[embedded]
		if inner == nil || slices.Contains(seen, embedded) || isView(all, embedded, nil) {
			continue
		}
		for name, where := range inner.named(all, embedded, append(seen, kind)) {
			names[name] = where
		}
	}
	return names
}

// The rule on views sees nothing when it cannot read them.
func TestTheViewsAreRead(t *testing.T) {
	all := declarations(repository(t))
	frame, views := all[theView], 0
	for kind := range all {
		if kind != theView && isView(all, kind, nil) {
			views++
		}
	}
	if frame == nil || frame.names["Title"] == nil || frame.names["Notice"] == nil || frame.names["Places"] == nil || views < 60 {
		t.Errorf("%d views were read, and the frame as %+v", views, frame)
	}
}

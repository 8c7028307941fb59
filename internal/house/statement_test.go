package house

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// statement is one SQL text in a room's store.go, put together from its
// literals and the package's constants; " ? " stands for what only running it
// would tell.
type statement struct {
	room, function string
	where          string // file and line
	text           string
}

// begin tells SQL from English: "update your address" is no statement.
var begin = regexp.MustCompile(`(?is)^\s*(` +
	`select\s.*\sfrom\s+([a-z_]+|\()|select\s+(\d|exists|count|max|min|coalesce)\b|` +
	`insert\s+into\s+\w|delete\s+from\s+\w|update\s+\w+(\s+(as\s+)?\w+)?\s+set\s|` +
	`with\s+(recursive\s+)?\w+\s*(\([^)]*\)\s*)?as\s*(not\s+materialized\s*|materialized\s*)?\(|` +
	`(create|alter|drop)\s+(unique\s+|temp\s+)?(table|index|view)\s)`)

var english = regexp.MustCompile(`(?i)^\s*select\s.*\sfrom\s+(the|a|an|this|that|these|your|its|all)\s`)

func isSQL(text string) bool { return begin.MatchString(text) && !english.MatchString(text) }

// literal is the text of a string literal.
func literal(node ast.Node) (string, bool) {
	lit, ok := node.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// statements are all SQL texts that functions of the rooms' store files run.
func statements(t *tree) []statement {
	constants := map[string]map[string]ast.Expr{} // of a package: by folder, then name
	for _, s := range t.code {
		if constants[s.dir()] == nil {
			constants[s.dir()] = map[string]ast.Expr{}
		}
		for _, decl := range s.file.Decls {
			if general, ok := decl.(*ast.GenDecl); ok && general.Tok == token.CONST {
				noteConstants(constants[s.dir()], general)
			}
		}
	}
	var all []statement
	for _, s := range t.code {
		if !s.ships() || !s.isStore() || s.room() == "store" {
			continue
		}
		for _, decl := range s.file.Decls {
			function, ok := decl.(*ast.FuncDecl)
			if !ok || function.Body == nil {
				continue
			}
			reader := &reader{constants: constants[s.dir()]}
			reader.read(function.Body)
			for _, found := range reader.found {
				all = append(all, statement{s.room(), function.Name.Name, t.at(found.node), found.text})
			}
		}
	}
	return all
}

func noteConstants(into map[string]ast.Expr, decl *ast.GenDecl) {
	for _, spec := range decl.Specs {
		value := spec.(*ast.ValueSpec)
		for i, name := range value.Names {
			if i < len(value.Values) {
				into[name.Name] = value.Values[i]
			}
		}
	}
}

// reader collects the SQL texts within a function.
type reader struct {
	constants map[string]ast.Expr
	found     []struct {
		node ast.Node
		text string
	}
}

func (r *reader) read(within ast.Node) {
	ast.Inspect(within, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.SelectorExpr:
			r.read(node.X) // what stands after the dot is no constant of this package
			return false
		case *ast.BinaryExpr, *ast.BasicLit, *ast.Ident:
			text, known := r.fold(node.(ast.Expr), 0)
			if known && isSQL(text) {
				r.found = append(r.found, struct {
					node ast.Node
					text string
				}{node, text})
			}
			return false
		}
		return true
	})
}

// fold puts a text together; known is false when no part of it is.
func (r *reader) fold(expr ast.Expr, depth int) (text string, known bool) {
	switch expr := expr.(type) {
	case *ast.BasicLit:
		return literal(expr)
	case *ast.ParenExpr:
		return r.fold(expr.X, depth)
	case *ast.Ident:
		// A variable may hide a constant; its object is then no constant's.
		if value := r.constants[expr.Name]; value != nil && depth < 10 && (expr.Obj == nil || expr.Obj.Kind == ast.Con) {
			return r.fold(value, depth+1)
		}
	case *ast.BinaryExpr:
		if expr.Op == token.ADD {
			left, knowLeft := r.fold(expr.X, depth)
			right, knowRight := r.fold(expr.Y, depth)
			return left + right, knowLeft || knowRight
		}
	}
	if depth == 0 {
		if _, plain := expr.(*ast.Ident); !plain {
			r.readOperands(expr)
		}
	}
	return " ? ", false
}

// readOperands looks for texts inside what cannot be folded, such as a call.
func (r *reader) readOperands(expr ast.Expr) {
	switch expr := expr.(type) {
	case *ast.BinaryExpr:
		r.read(expr.X)
		r.read(expr.Y)
	default:
		r.read(expr)
	}
}

// table is what the migrations say of a table.
type table struct {
	ofOrganization bool
	owners         []string // the rooms that the comment above its section names
}

var schemaLine = regexp.MustCompile(`(?im)^\s*(?:--\s*(?P<note>.*)$|` +
	`create\s+table\s+(?:if\s+not\s+exists\s+)?(?P<new>\w+)|` +
	`alter\s+table\s+(?P<altered>\w+)\s+(?:add\s+column\s+(?P<column>\w+)|rename\s+to\s+(?P<name>\w+))|` +
	`drop\s+table\s+(?:if\s+exists\s+)?(?P<dropped>\w+))`)

var organizationColumn = regexp.MustCompile(`(?i)[(,\n]\s*organization_id\s+text`)

// schema reads the migrations in their order.
func schema(t *tree) map[string]table {
	tables := map[string]table{}
	migrations := t.paths(func(name string) bool {
		return path.Dir(name) == "internal/store/migrations" && path.Ext(name) == ".sql"
	})
	for _, name := range migrations {
		var owners []string
		text := t.files[name]
		for _, match := range schemaLine.FindAllStringSubmatchIndex(text, -1) {
			part := func(group string) string {
				i := 2 * schemaLine.SubexpIndex(group)
				if match[i] < 0 {
					return ""
				}
				return text[match[i]:match[i+1]]
			}
			altered := part("altered")
			switch {
			case part("note") != "":
				owners = ownersIn(part("note"), owners)
			case part("new") != "":
				tables[part("new")] = table{organizationColumn.MatchString(parenthesis(text[match[1]:])), owners}
			case strings.EqualFold(part("column"), "organization_id"):
				tables[altered] = table{true, tables[altered].owners}
			case part("name") != "":
				tables[part("name")] = tables[altered]
				delete(tables, altered)
			case part("dropped") != "":
				delete(tables, part("dropped"))
			}
		}
	}
	return tables
}

// ownersIn reads a section's comment, "account, operator: what it is"; any
// other comment leaves the section as it was.
func ownersIn(note string, before []string) []string {
	names, _, _ := strings.Cut(note, ":")
	owners := strings.Split(names, ", ")
	if slices.ContainsFunc(owners, func(owner string) bool { return floorOf(owner) < 0 }) {
		return before
	}
	return owners
}

// parenthesis is the text up to the end of its first parenthesis.
func parenthesis(text string) string {
	depth := 0
	for i, r := range text {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
			if depth == 0 {
				return text[:i]
			}
		}
	}
	return text
}

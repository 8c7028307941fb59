package house

import (
	"fmt"
	"go/ast"
	"maps"
	"slices"
)

const unheardFile = "internal/house/heed_test.go"

// unheard are the functions whose writes to watched tables other nodes are not told
// of (store.Tx.AboutHere and AboutNobody), and why none of them can go wrong by it. Everything
// else is told: to narrow it to one holder (About) needs no line here, since its
// values are looked at.
var unheard = map[string]string{
	"account.Add":        "a new account: no session of it was read",
	"account.AddMany":    "new accounts: no session of them was read",
	"operator.Add":       "a new operator: no session of his was read",
	"organization.AddAs": "a new organization: no session of it was read",
	"pass.insert":        "a new pass: no session holds its id yet; the one it replaces is told",
	"pass.GiveDrafts":    "new guides: no session holds their ids yet",
	"password.Import":    "the password of a new account: no session of it was read",
	"session.See":        "that somebody is still there: who reads it late asks the store before refusing",
	"session.Start":      "a new session: nobody has its cookie yet",
	"session.rising":     "a sign-in that proves its code: it was admitted nowhere before, so it is remembered nowhere",
	"totp.Raise":         "the last step: the gate does not look at it",
}

// listed is the list, of a whole house; a planted one has none.
func listed(t *tree) map[string]string {
	if _, whole := t.files[unheardFile]; whole {
		return unheard
	}
	return nil
}

// unheardWritesAreListed finds the functions that call AboutHere or AboutNobody.
func unheardWritesAreListed(t *tree, allowed map[string]string) (breaches []string) {
	used := map[string]bool{}
	for _, s := range t.code {
		if !s.ships() || s.room() == "store" {
			continue
		}
		for _, decl := range s.file.Decls {
			function, ok := decl.(*ast.FuncDecl)
			if !ok || function.Body == nil {
				continue
			}
			ast.Inspect(function.Body, func(node ast.Node) bool {
				selector, ok := node.(*ast.SelectorExpr)
				if !ok || selector.Sel.Name != "AboutHere" && selector.Sel.Name != "AboutNobody" {
					return true
				}
				key := s.room() + "." + function.Name.Name
				used[key] = true
				if allowed[key] == "" {
					breaches = append(breaches, fmt.Sprintf("%s: %s keeps what it writes from other nodes: narrow it by About, "+
						"or list it in %s with the reason why they need not know", t.at(node), key, unheardFile))
				}
				return true
			})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(allowed)) {
		if !used[key] {
			breaches = append(breaches, fmt.Sprintf("%s: %q is listed and keeps nothing from anybody: remove it", t.lineOf(unheardFile, `"`+key+`"`), key))
		}
	}
	return breaches
}

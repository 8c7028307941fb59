package page

import (
	"strings"
	"testing"
)

// said are the places of a line, the one that is marked in brackets.
func said(all []Place) string {
	var names []string
	for _, one := range all {
		name := strings.TrimPrefix(one.Name, "page.nav_")
		if one.Current != "" {
			name = "[" + name + " " + one.Current + "]"
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func TestTheNavigationMarksWhereThePageIs(t *testing.T) {
	operator, admin, user := Chrome{Operator: true}, Chrome{Admin: true, People: true}, Chrome{}
	for _, one := range []struct {
		who                 Chrome
		path, first, second string
	}{
		{operator, "/", "[dashboard page] changeover organizations requests tickets notices record profile", ""},
		{operator, "/operator/windows", "dashboard [changeover true] organizations requests tickets notices record profile", "rollouts import [windows page] mail"},
		{operator, "/operator/passes/1/2", "dashboard changeover organizations [requests true] tickets notices record profile", "[passes true] resets addresses networks"},
		{operator, "/operator/audit/failures", "dashboard changeover organizations requests tickets notices [record true] profile", ""},
		{operator, "/operator/organizationsx", "dashboard changeover organizations requests tickets notices record profile", ""},
		{admin, "/accounts/resets", "dashboard [accounts true] progress networks history tickets notices profile", ""},
		{Chrome{People: true}, "/sessions", "dashboard accounts tickets notices profile [sessions page]", ""},
		{user, "/notices/1", "dashboard tickets [notices true] profile sessions", ""},
	} {
		v := &View{Chrome: one.who, Path: one.path}
		second := ""
		if beside := v.Neighbours(); beside != nil {
			second = said(beside.Under)
		}
		if first := said(v.Places()); first != one.first || second != one.second {
			t.Errorf("%s: %q and %q", one.path, first, second)
		}
	}
	if operators[1].To != "" || operators[1].Under[2].Current != "" {
		t.Error("a page has changed the places of all others")
	}
}

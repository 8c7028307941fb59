package page

import "strings"

// Place is somewhere the navigation leads. What belongs together stands under one
// name, which leads to the first of it; the second line shows the others.
type Place struct {
	To, Name string // an address, and the phrase of its name
	Under    []Place
	Current  string // aria-current: "page", "true" for what lies above the page, or empty
}

// operators lead the changeover, keep the register, and do what others ask for.
var operators = []Place{
	{To: "/", Name: "page.nav_dashboard"},
	{Name: "page.nav_changeover", Under: []Place{
		{To: "/operator/rollouts", Name: "page.nav_rollouts"},
		{To: "/operator/import", Name: "page.nav_import"},
		{To: "/operator/windows", Name: "page.nav_windows"},
		{To: "/operator/mail", Name: "page.nav_mail"},
	}},
	{To: "/operator/organizations", Name: "page.nav_organizations"},
	{Name: "page.nav_requests", Under: []Place{
		{To: "/operator/passes", Name: "page.nav_passes"},
		{To: "/operator/resets", Name: "page.nav_resets"},
		{To: "/operator/addresses", Name: "page.nav_addresses"},
		{To: "/operator/networks", Name: "page.nav_networks"},
	}},
	{To: "/operator/tickets", Name: "page.nav_tickets"},
	{To: "/operator/notices", Name: "page.nav_notices"},
	{To: "/operator/audit", Name: "page.nav_record"},
	{To: "/profile", Name: "page.nav_profile"},
}

// places are where somebody can go.
func places(c Chrome) []Place {
	if c.Operator {
		return operators
	}
	all := []Place{{To: "/", Name: "page.nav_dashboard"}}
	if c.Admin || c.People {
		all = append(all, Place{To: "/accounts", Name: "page.nav_accounts"})
	}
	if c.Admin {
		all = append(all,
			Place{To: "/progress", Name: "page.nav_progress"},
			Place{To: "/networks", Name: "page.nav_networks"},
			Place{To: "/history", Name: "page.nav_history"})
	}
	all = append(all, Place{To: "/tickets", Name: "page.nav_tickets"}, Place{To: "/notices", Name: "page.nav_notices"}, Place{To: "/profile", Name: "page.nav_profile"})
	if !c.Admin {
		all = append(all, Place{To: "/sessions", Name: "page.nav_sessions"})
	}
	return all
}

// marked are the places as a page shows them: where it is itself is marked.
func marked(all []Place, path string) []Place {
	shown := make([]Place, len(all))
	for i, one := range all {
		if one.Under != nil {
			one.To, one.Under = one.Under[0].To, marked(one.Under, path)
			for _, below := range one.Under {
				if below.Current != "" {
					one.Current = "true"
				}
			}
		} else if path == one.To {
			one.Current = "page"
		} else if one.To != "/" && strings.HasPrefix(path, one.To+"/") { // the dashboard is above none
			one.Current = "true"
		}
		shown[i] = one
	}
	return shown
}

// Places are the first line of the navigation.
func (v *View) Places() []Place { return marked(places(v.Chrome), v.Path) }

// Neighbours is the place of the first line that the page is under, with what belongs to
// it; nil where nothing does.
func (v *View) Neighbours() *Place {
	for _, one := range v.Places() {
		if one.Under != nil && one.Current != "" {
			return &one
		}
	}
	return nil
}

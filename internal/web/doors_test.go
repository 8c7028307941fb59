package web

import "nidan/internal/act"

// door is how an act of the table is done through HTTP. In its path and form {id} and
// {organization} are those of the person it is done to; one without {id} is asked once
// for each who acts. {third} is an organization that nobody of the cast is in, {reset}
// a password of the person that waits, {n} a number that no door had before.
type door struct {
	act          act.Act
	method, path string
	form         []string
	loses        bool   // the act would leave the person unable to act
	file         bool   // the form is sent as one with files is
	self         string // where whoever asks for himself is led instead of being refused
}

// doors are those of all rooms.
var doors = []door{
	{act: act.SeePeople, method: "GET", path: "/accounts"},
	{act: act.SeePeople, method: "GET", path: "/accounts/{id}"},
	{act: act.AddPerson, method: "GET", path: "/accounts/new"},
	{act: act.AddPerson, method: "POST", path: "/accounts/new", form: []string{"name", "x"}},
	{act: act.EditPerson, method: "GET", path: "/accounts/{id}/edit"},
	{act: act.EditPerson, method: "POST", path: "/accounts/{id}/edit", form: []string{"name", "x"}},
	{act: act.ChangeAuthority, method: "POST", path: "/accounts/{id}/edit", loses: true,
		form: []string{"name", "x", "phone", "0312345678", "language", "en", "time_zone", "UTC", "authority", "general_user"}},
	{act: act.ChangeMethod, method: "GET", path: "/accounts/{id}/method"},
	{act: act.ChangeMethod, method: "POST", path: "/accounts/{id}/method", loses: true, form: []string{"method", "mailotp"}},
	{act: act.ChangeMethod, method: "GET", path: "/accounts/{id}/request"},
	{act: act.ChangeMethod, method: "POST", path: "/accounts/{id}/request", form: []string{"answer", "decline"}},
	{act: act.Suspend, method: "GET", path: "/accounts/{id}/suspend", loses: true},
	{act: act.Suspend, method: "POST", path: "/accounts/{id}/suspend", loses: true},
	{act: act.Return, method: "GET", path: "/accounts/{id}/return"},
	{act: act.Return, method: "POST", path: "/accounts/{id}/return"},
	{act: act.Delete, method: "GET", path: "/accounts/{id}/delete", loses: true},
	{act: act.Delete, method: "POST", path: "/accounts/{id}/delete", loses: true},
	{act: act.GiveGuide, method: "GET", path: "/accounts/{id}/guide"},
	{act: act.GiveGuide, method: "POST", path: "/accounts/{id}/guide"},
	{act: act.Unlock, method: "GET", path: "/accounts/{id}/unlock"},
	{act: act.Unlock, method: "POST", path: "/accounts/{id}/unlock"},
	{act: act.GivePass, method: "GET", path: "/accounts/{id}/pass"},
	{act: act.GivePass, method: "POST", path: "/accounts/{id}/pass", form: []string{"way", "hand", "why", "x"}},
	{act: act.WithdrawPass, method: "POST", path: "/accounts/{id}/pass", form: []string{"act", "withdraw"}},

	{act: act.ChangeAddress, method: "GET", path: "/accounts/{id}/address", self: "/profile/address"},
	{act: act.ChangeAddress, method: "POST", path: "/accounts/{id}/address", form: []string{"act", "withdraw"}},
	{act: act.CorrectAddress, method: "GET", path: "/operator/addresses/{organization}/{id}"},
	{act: act.CorrectAddress, method: "POST", path: "/operator/addresses/{organization}/{id}", form: []string{"act", "withdraw"}},

	{act: act.AnswerReset, method: "GET", path: "/accounts/{id}/reset"},
	{act: act.AnswerReset, method: "POST", path: "/accounts/{id}/reset", form: []string{"reset", "{reset}", "answer", "refuse"}},
	{act: act.AnswerAdminReset, method: "GET", path: "/operator/resets/{organization}/{id}"},
	{act: act.AnswerAdminReset, method: "POST", path: "/operator/resets/{organization}/{id}",
		form: []string{"reset", "{reset}", "answer", "refuse", "ticket", "T-1"}},

	{act: act.SeeHistory, method: "GET", path: "/history"},
	{act: act.ExportHistory, method: "GET", path: "/history.csv"},
	{act: act.SeeRecord, method: "GET", path: "/operator/audit"},
	{act: act.SeeRecord, method: "GET", path: "/operator/audit/failures"},
	{act: act.ExportRecord, method: "GET", path: "/operator/audit/export?format=cef"},

	{act: act.SeeNetworks, method: "GET", path: "/networks"},
	{act: act.SeeNetworks, method: "GET", path: "/networks/accounts"},
	{act: act.ChangeNetworks, method: "GET", path: "/networks/new"},
	{act: act.ChangeNetworks, method: "POST", path: "/networks/new", form: []string{"network", "10.0.{n}.0/24", "description", "x"}},
	{act: act.CheckNetworks, method: "GET", path: "/networks/check?check=on&id={id}"},
	{act: act.CheckNetworks, method: "POST", path: "/networks/check", form: []string{"check", "on", "ids", "{id}"}},
	{act: act.OpenNetworks, method: "GET", path: "/operator/networks/{third}"},
	{act: act.OpenNetworks, method: "POST", path: "/operator/networks/{third}", form: []string{"whose", "all", "ticket", "T-1"}},

	{act: act.SeeOrganizations, method: "GET", path: "/operator/organizations"},
	{act: act.SeeOrganizations, method: "GET", path: "/operator/organizations/{third}"},
	{act: act.SeeOrganizations, method: "GET", path: "/operator/networks"},
	{act: act.AddOrganization, method: "GET", path: "/operator/organizations/new"},
	{act: act.AddOrganization, method: "POST", path: "/operator/organizations/new", form: append([]string{"organization", "Dohi {n}"}, newcomer...)},
	{act: act.RenameOrganization, method: "GET", path: "/operator/organizations/{third}/name"},
	{act: act.RenameOrganization, method: "POST", path: "/operator/organizations/{third}/name", form: []string{"organization", "Cormoran {n}"}},
	{act: act.SuspendOrganization, method: "GET", path: "/operator/organizations/{third}/suspend"},
	{act: act.SuspendOrganization, method: "POST", path: "/operator/organizations/{third}/suspend"},
	{act: act.ReturnOrganization, method: "GET", path: "/operator/organizations/{third}/return"},
	{act: act.ReturnOrganization, method: "POST", path: "/operator/organizations/{third}/return"},
	{act: act.AddAdmin, method: "GET", path: "/operator/organizations/{third}/admins/new"},
	{act: act.AddAdmin, method: "POST", path: "/operator/organizations/{third}/admins/new", form: newcomer},
	{act: act.GuideAdmin, method: "GET", path: "/operator/organizations/{organization}/admins/{id}/guide"},
	{act: act.GuideAdmin, method: "POST", path: "/operator/organizations/{organization}/admins/{id}/guide"},

	{act: act.Import, method: "GET", path: "/operator/import/old-hashes.csv"},
	{act: act.Import, method: "POST", path: "/operator/import", file: true, form: []string{"file", "email{n}"}},
}

// newcomer is a Portal Admin who can be added.
var newcomer = []string{"name", "New {n}", "email", "n{n}@cast.example", "phone", "0312345678", "language", "en", "time_zone", "UTC"}

// oneWay are the acts that are done by a GET alone, since they only show or copy, and
// those of which the form stands on the page of another act.
var oneWay = map[act.Act]string{
	act.SeePeople: "GET", act.SeeHistory: "GET", act.ExportHistory: "GET", act.SeeNetworks: "GET", act.SeeOrganizations: "GET",
	act.SeeRecord: "GET", act.ExportRecord: "GET", act.ChangeAuthority: "POST", act.WithdrawPass: "POST",
}

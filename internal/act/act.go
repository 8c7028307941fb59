package act

import (
	"nidan/internal/account"
	"nidan/internal/route"
)

// Act is one thing that can be done to people, organizations or what is known of
// them. The zero Act is none and is refused to everybody.
type Act string

// What a Portal Admin does in the own organization.
const (
	SeePeople       Act = "people:see"       // the list, and one person
	AddPerson       Act = "person:add"       // with a starting guide
	EditPerson      Act = "person:edit"      // name, phone, language, zone, job title, mobile
	ChangeAddress   Act = "person:address"   // of somebody else; the own one is changed at the profile
	ChangeAuthority Act = "person:authority" // Portal Admin or General User
	ChangeMethod    Act = "person:method"    // and see account.Govern
	Suspend         Act = "person:suspend"
	Return          Act = "person:return" // from a suspension
	Delete          Act = "person:delete"
	GiveGuide       Act = "person:guide"
	Unlock          Act = "person:unlock" // ends waits, never the cap
	GivePass        Act = "person:pass"   // and see pass.MayGive
	WithdrawPass    Act = "person:pass-withdraw"
	AnswerReset     Act = "person:reset"         // approve or refuse a password that waits
	CheckNetworks   Act = "person:network-check" // on or off for one account
	SeeHistory      Act = "history:see"
	ExportHistory   Act = "history:export"
	SeeNetworks     Act = "networks:see"
	ChangeNetworks  Act = "networks:change"
)

// What an operator does.
const (
	SeeOrganizations    Act = "organizations:see"
	AddOrganization     Act = "organization:add" // with its first Portal Admin
	RenameOrganization  Act = "organization:rename"
	SuspendOrganization Act = "organization:suspend"
	ReturnOrganization  Act = "organization:return"
	AddAdmin            Act = "admin:add"     // where no Portal Admin is able
	GuideAdmin          Act = "admin:guide"   // a starting guide to a Portal Admin never enrolled
	CorrectAddress      Act = "admin:address" // and see address.MayCorrect
	AnswerAdminReset    Act = "admin:reset"   // where no other Portal Admin is able
	OpenNetworks        Act = "networks:open" // switch the check off where nobody gets in
	Import              Act = "people:import"
	SeeRecord           Act = "record:see"
	ExportRecord        Act = "record:export"
)

// Standing is how far somebody's session has come. The zero Standing is a stranger's.
type Standing int

// From nothing to both steps.
const (
	Stranger Standing = iota
	Pending           // the password was proved, and the rule asks for more
	OneStep           // admitted by the password alone, in or before the period
	TwoSteps
)

// Who acts. The zero Who is a stranger.
type Who struct {
	account.Ref
	Authority     account.Authority
	Standing      Standing
	FreshCode     bool // the own second verification was proved within 15 minutes
	FreshPassword bool // a 1-step session: the password was
}

// Whom it is done to. The zero Whom is nobody that is there.
type Whom struct {
	account.Ref
	Authority    account.Authority
	Suspended    bool
	Enrolled     bool // a second verification is proved now
	EverEnrolled bool // or was at any time under this address
	LastAble     bool // without this one no Portal Admin would be able
	OthersAble   bool // another Portal Admin of that organization is able
}

// Answer is what the table says. The zero Answer refuses.
type Answer int

// The answers.
const (
	Refused    Answer = iota // signed in, and not allowed: 403
	AskSignIn                // a GET goes on to the step that is missing, a POST is refused
	Hidden                   // like an id that never was: 404
	Confirm                  // the proof is not fresh: on to /confirm
	SetUpFirst               // needs two steps: says from when they can be set up
	NotOneself               // another Portal Admin has to do it
	NotWhileSuspended
	NotNew        // a starting guide goes to an account never enrolled
	KeepsLastAble // the organization would have nobody left to lead it
	OthersCan     // operators help where no Portal Admin can
	Allowed
)

var answerNames = [...]string{"refused", "sign in", "not found", "confirm", "set up first", "not oneself",
	"suspended", "not new", "last able", "others can", "may"}

// String is the answer as the table shows it.
func (a Answer) String() string { return answerNames[a] }

// Why is the phrase that tells a refusal; empty where the gate or the page of
// nobody says it.
func (a Answer) Why() string {
	switch a {
	case SetUpFirst:
		return "act.set_up_first"
	case NotOneself:
		return "act.not_oneself"
	case NotWhileSuspended:
		return "act.suspended"
	case NotNew:
		return "act.not_new"
	case KeepsLastAble:
		return "act.last_able"
	case OthersCan:
		return "act.others_can"
	}
	return ""
}

// rule is one line of the table. The zero rule allows nobody anything.
type rule struct {
	gate    route.Gate // who, how fresh, by one step too
	person  bool       // it is done to somebody
	anyone  bool       // operators: not to Portal Admins alone
	oneself bool       // and may be done to oneself
	stands  bool       // not to who is suspended
	unused  bool       // only to who was never enrolled
	able    bool       // never to the last able Portal Admin
	alone   bool       // operators: only where no other Portal Admin is able
}

var rules = map[Act]rule{
	SeePeople:       {gate: route.AdminSees, person: true, oneself: true},
	AddPerson:       {gate: route.AdminFresh},
	EditPerson:      {gate: route.AdminFresh, person: true, oneself: true},
	ChangeAddress:   {gate: route.AdminFresh, person: true},
	ChangeAuthority: {gate: route.AdminFresh, person: true, oneself: true, able: true},
	ChangeMethod:    {gate: route.AdminFresh, person: true, oneself: true, able: true},
	Suspend:         {gate: route.AdminOneAct, person: true, able: true},
	Return:          {gate: route.AdminFresh, person: true},
	Delete:          {gate: route.AdminFresh, person: true, able: true},
	GiveGuide:       {gate: route.AdminFresh, person: true, stands: true, unused: true},
	Unlock:          {gate: route.AdminFresh, person: true},
	GivePass:        {gate: route.AdminFresh, person: true, stands: true},
	WithdrawPass:    {gate: route.AdminFresh, person: true},
	AnswerReset:     {gate: route.AdminFresh, person: true},
	CheckNetworks:   {gate: route.AdminFresh, person: true, oneself: true},
	SeeHistory:      {gate: route.AdminOnly},
	ExportHistory:   {gate: route.AdminFresh},
	SeeNetworks:     {gate: route.AdminOnly},
	ChangeNetworks:  {gate: route.AdminFresh},

	SeeOrganizations:    {gate: route.OperatorOnly},
	AddOrganization:     {gate: route.OperatorDoer},
	RenameOrganization:  {gate: route.OperatorDoer},
	SuspendOrganization: {gate: route.OperatorDoer},
	ReturnOrganization:  {gate: route.OperatorDoer},
	AddAdmin:            {gate: route.OperatorDoer},
	GuideAdmin:          {gate: route.OperatorDoer, person: true, stands: true, unused: true},
	CorrectAddress:      {gate: route.OperatorDoer, person: true, anyone: true},
	AnswerAdminReset:    {gate: route.OperatorDoer, person: true, alone: true},
	OpenNetworks:        {gate: route.OperatorDoer},
	Import:              {gate: route.OperatorDoer},
	SeeRecord:           {gate: route.OperatorOnly},
	ExportRecord:        {gate: route.OperatorDoer},
}

// Gate is the gate of a route by which an act is done; of an act that is none, the
// zero Gate, with which no portal starts.
func Gate(a Act) route.Gate { return rules[a].gate }

// May says whether who may do an act to whom. Acts that are done to nobody in
// particular take the zero Whom. What the gate would answer comes first, so that
// an id of another organization is answered like one that never was.
func May(a Act, who Who, whom Whom) Answer {
	r, known := rules[a]
	if !known {
		return Refused
	}
	if answer := r.admits(who); answer != Allowed || !r.person {
		return answer
	}
	self := who.Ref == whom.Ref
	switch {
	case whom.Organization == "" || whom.ID == "" || whom.IsOperator():
		return Hidden
	case who.IsOperator() && whom.Authority != account.PortalAdmin && !r.anyone:
		return Refused // operators help Portal Admins, and they the rest
	case !who.IsOperator() && who.Organization != whom.Organization:
		return Hidden
	case self && !r.oneself:
		return NotOneself
	case who.Standing == OneStep && r.gate.Proof != route.Standing && whom.Authority == account.PortalAdmin && whom.Enrolled:
		return SetUpFirst
	case r.stands && whom.Suspended:
		return NotWhileSuspended
	case r.unused && whom.EverEnrolled:
		return NotNew
	case r.able && whom.LastAble:
		return KeepsLastAble
	case r.alone && whom.OthersAble:
		return OthersCan
	}
	return Allowed
}

// admits is what the gate answers to somebody, whoever it is done to.
func (r rule) admits(who Who) Answer {
	switch {
	case who.Standing != OneStep && who.Standing != TwoSteps:
		return AskSignIn
	case (r.gate.Who == route.Operator) != who.IsOperator():
		return Refused
	case r.gate.Who == route.PortalAdmin && who.Authority != account.PortalAdmin:
		return Refused
	case r.gate.Who != route.PortalAdmin && r.gate.Who != route.Operator:
		return Refused
	case who.Standing == OneStep && (!r.gate.OneStep || who.IsOperator()):
		return SetUpFirst
	case r.gate.Proof == route.Standing, who.Standing == TwoSteps && who.FreshCode:
		return Allowed
	case who.Standing == OneStep && who.FreshPassword && r.gate.Proof == route.FreshForOneAct:
		return Allowed
	}
	return Confirm
}

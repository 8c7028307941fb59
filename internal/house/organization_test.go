package house

// allowances is this file, for messages.
const allowances = "internal/house/organization_test.go"

// acrossOrganizations are the functions that may ask a table of organizations
// without naming one: "room.Function" and the reason why no organization can
// see another's rows by it. Every line here is a place to look at twice.
var acrossOrganizations = map[string]string{
	"account.Holder":         "sign-in begins with an address, unique in the whole portal, and learns the organization from it",
	"demo.used":              "a demo is only seeded where nobody is: it asks whether anybody is in the database",
	"figure.holders":         "a figure of the whole portal on a database made for it",
	"figure.seenAgain":       "a figure of the whole portal on a database made for it",
	"figure.waiting":         "a figure of the whole portal on a database made for it",
	"mail.Forget":            "the portal's own work: delivery data past its retention goes, whosever it was",
	"mail.Retry":             "the portal's own work: an operator has mended the relay, and every parked letter is tried again",
	"mail.waiting":           "the portal's own work: the outbox looks for letters that are due",
	"mailotp.Forget":         "the portal's own work: mailed codes no limit looks at go, whosever they were",
	"password.Forget":        "the portal's own work: resets that are over go, whosever they were",
	"pass.ByToken":           "a look-up by the digest of a link's token: it learns the organization from it",
	"progress.organizations": "the recount: it goes through all organizations, one after the other",
	"progress.portalHours":   "the recount: the whole portal's hours are held against the sum of all organizations'",
	"progress.oldest":        "the portal's own work: what was noted is folded, whosever it was",
	"rehearsal.accounts":     "on the copy of a rehearsal: how many there are to ask about",
	"rehearsal.ownEnds":      "on the copy of a rehearsal: which own ends extensions have made",
	"reminder.begun":         "the portal's own work: the rounds that may go on, whosever they are for",
	"reminder.scopes":        "the portal's own work: which own ends extensions have made, for the rule to pick from",
	"reminder.versions":      "the portal's own work: the dates of every rollout follow from its versions",
	"address.Forget":         "the portal's own work: changes of addresses past their retention go, whosever they were",
	"address.Rewind":         "the portal's own work: the clock was set right, and links and waits of the time ahead go back with it, whosever they are",
	"mail.Rewind":            "the portal's own work: the clock was set right, and letters of the time ahead go back with it, whosever they are",
	"mailotp.Rewind":         "the portal's own work: the clock was set right, and mailed codes of the time ahead go back with it, whosever they are",
	"pass.Rewind":            "the portal's own work: the clock was set right, and passes of the time ahead go back with it, whosever they are",
	"password.Rewind":        "the portal's own work: the clock was set right, and resets and links of the time ahead go back with it, whosever they are",
	"session.Rewind":         "the portal's own work: the clock was set right, and sessions of the time ahead go back with it, whosever they are",
	"ticket.Forget":          "the portal's own work: attachments whose upload broke off or whose form was never sent go, whosever they were",
	"ticket.counts":          "operators see how many tickets there were, in the whole portal",
	"ticket.found":           "operators search the tickets of every organization",
	"ticket.queue":           "operators work at the tickets of every organization",
	"ticket.waitingFiles":    "who sent them names the organization, or the operators: by_organization",
	"verification.Rewind":    "the portal's own work: the clock was set right, and second steps of the time ahead go back with it, whosever they are",
	"rollout.Finished":       "a look-up by the digest of an address, whoever had it: the end of grace outlives accounts",
	"record.resolve":         "an operator searches the record by a mail address, unique in the whole portal",
	"rollout.Plans":          "the portal's own work: the gate keeps every plan in memory and picks by organization in the rule",
	"rollout.endExtensions":  "the portal's own work: a rollout was withdrawn, and its extensions end with it, whosever they are",
	"rollout.personal":       "an operator plans a window of the whole portal: ends of single people are counted, not named",
	"setup.Forget":           "the portal's own work: set-ups nobody finished go, whosever they were",
	"session.Forget":         "the portal's own work: sessions past their retention go, whosever they were",
	"mail.settleAlike":       "the portal's own work: the outbox settles letters it holds the lease of, by id",
	"mail.ParkedLetters":     "operators see every letter that is not tried any more",
	"notice.upcoming":        "the portal's own work: every node keeps what may show, and picks by organization in the rule",
	"ticket.WaitingFor":      "operators are told how many tickets wait, whosever they are",
	"mail.RetryOne":          "an operator tries a parked letter again, by id",
}

package rehearsal

import "nidan/internal/store"

// Shares are the tables of which a copy takes rows. Each column of each table is
// copied, blanked or left out here by name, which a test holds against the schema:
// whoever adds one decides. Personal data that nothing in a rollout asks for is
// blanked too.
var Shares = []store.Share{
	{Table: "policy", Columns: []string{"id", "version"}},
	{Table: "organization", Columns: []string{"id", "name", "name_key", "created_at", "suspended_at", "suspended_by"}, Scope: "id"},
	{Table: "account", Scope: "organization_id",
		Columns: []string{"id", "organization_id", "email", "email_key", "address_digest", "name", "name_key", "authority", "method", "method_by", "method_at",
			"preset", "language", "time_zone", "network_check", "created_at", "imported_at", "suspended_at", "suspended_by"},
		Blank: map[string]any{"phone": "", "mobile": "", "job_title": ""}},
	{Table: "password", Scope: "organization_id",
		Columns: []string{"organization_id", "holder_id", "first_at", "set_at", "reset_at", "weak", "format"},
		Blank:   map[string]any{"hash": "", "sealed": nil}},
	{Table: "totp", Scope: "organization_id",
		Columns: []string{"organization_id", "holder_id", "enrolled_at"},
		Blank:   map[string]any{"secret": []byte{}, "last_step": 0, "epoch": 0}},
	{Table: "mailotp", Columns: []string{"organization_id", "holder_id", "enrolled_at"}, Scope: "organization_id"},
	{Table: "second_step_state", Columns: []string{"organization_id", "holder_id", "stopped_at", "void_at", "waits_from"}, Scope: "organization_id"},
	{Table: "grace_end", Columns: []string{"address_digest", "organization_id", "holder_id", "ended_at", "why", "ended_by"}, Scope: "organization_id"},
	{Table: "undeliverable", Scope: "organization_id",
		Columns: []string{"organization_id", "holder_id", "recipient", "source", "status", "since_at", "latest_at", "mails"},
		Blank:   map[string]any{"words": ""}},

	{Table: "maintenance_window", Columns: []string{"id", "opens", "closes", "planned_at", "planned_by", "cancelled_at", "cancelled_by",
		"lifted_from", "lifted_by"}},
	{Table: "maintenance_operator", Columns: []string{"window_id", "operator_id"}},
	{Table: "rollout", Scope: "organization_id",
		Columns: []string{"id", "organization_id", "opens", "ends", "planned_at", "planned_by", "withdrawn_at", "withdrawn_by",
			"zone", "message_en", "message_ja", "reminders", "version"}},
	{Table: "rollout_version",
		Columns: []string{"rollout_id", "version", "what", "opens", "ends", "zone", "message_en", "message_ja", "reminders", "saved_at", "saved_by"}},
	{Table: "extension", Scope: "organization_id",
		Columns: []string{"id", "rollout_id", "organization_id", "holder_id", "until", "given_at", "given_by", "replaced_at"},
		Blank:   map[string]any{"reason": ""}},
	{Table: "progress_event", Columns: []string{"id", "organization_id", "holder_id", "what", "method", "at"}, Scope: "organization_id"},
	{Table: "progress_person", Scope: "organization_id",
		Columns: []string{"organization_id", "holder_id", "told_at", "signed_at", "started_at", "enrolled_at", "method", "method_at", "away", "left_at"}},
	{Table: "progress", Columns: []string{"organization_id", "accounts", "told", "signed", "started", "totp", "mailotp"}, Scope: "organization_id"},
	{Table: "progress_hour", Columns: []string{"organization_id", "hour", "told", "signed", "started", "totp", "mailotp"}, Scope: "organization_id"},
	{Table: "reminder_round", Scope: "organization_id",
		Columns: []string{"id", "rollout_id", "organization_id", "given_at", "what", "own_end", "due_at", "asked_by",
			"after_organization", "after_holder", "queued", "sent", "failed", "skipped", "started_at", "finished_at"}},
	{Table: "reminder", Scope: "organization_id",
		Columns: []string{"rollout_id", "organization_id", "holder_id", "what", "own_end", "round_id", "queued_at", "mail_id", "became"}},
}

// LeftOut are the tables of which a copy takes nothing, with the reason.
var LeftOut = map[string]string{
	"migration":           "of the copy's own schema",
	"portal":              "the copy is no portal: nothing serves from it",
	"clock":               "a rehearsal has a clock of its own",
	"node":                "nobody but the rehearsal works on the copy",
	"mail":                "letters hold names and codes; the reminders of the rehearsal are swallowed there",
	"demo_mail":           "letters",
	"audit":               "what was done before decides nothing in a rollout",
	"allowance":           "how often somebody tried decides nothing in a rollout",
	"address":             "no address is taken or given up in a rehearsal",
	"address_change":      "digests of links; no address changes in a rehearsal",
	"notice":              "words of operators decide nothing in a rollout",
	"notice_read":         "who has read what decides nothing in a rollout",
	"network":             "everybody is asked about as at a place that is permitted",
	"operator":            "operators are not in a rollout",
	"session":             "digests of what browsers hold; everybody is asked about as without a session",
	"password_reset":      "digests of links, and passwords kept aside",
	"mail_code":           "digests of codes",
	"pass":                "digests of links and codes; everybody is asked about as without a pass",
	"pass_request":        "everybody is asked about as without a pass",
	"second_step":         "what was typed before decides nothing in a rollout",
	"second_step_failure": "second_step_state says what came of it",
	"setup":               "half of a set-up, with secrets",
	"rehearsal":           "the reports of others",
}

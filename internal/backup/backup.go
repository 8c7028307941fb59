package backup

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"nidan/internal/store"
)

// Table is what is carried of one table. Every column of every table is named here
// or in LeftOut, which a test holds against the schema: whoever adds one decides.
type Table struct {
	Name    string
	Columns string         // apart by blanks, in the schema's order
	Blank   map[string]any // column → what is carried instead: it means nothing elsewhere
	Moved   bool           // a move carries it, a backup does not
}

// No node holds anything where the rows arrive.
var noLease = map[string]any{"lease_by": "", "lease_until": int64(0)}

// Tables are carried in this order: what a row refers to comes before it.
var Tables = []Table{
	{Name: "portal", Columns: "id key_check demo created_at"},
	{Name: "key_line", Columns: "id key_check added_at added_by active_at active_by retired_at retired_by"},
	{Name: "key_use", Columns: "id seals since digests"},                                                       // sealed
	{Name: "clock", Columns: "id latest epoch floor_step demo_offset past", Blank: map[string]any{"past": ""}}, // of one server
	{Name: "mail", Columns: "id organization_id holder_id lane kind recipient subject body created_at due_at expires_at tries lease_by lease_until sent_at dropped_at parked_at failure bounced_at",
		Blank: map[string]any{"lease_by": nil, "lease_until": int64(0)}},
	{Name: "demo_mail", Columns: "id recipient subject body at"},
	{Name: "audit", Columns: "chain seq at act actor_kind actor subject network detail previous digest"},
	{Name: "allowance", Columns: "name full_at"},
	{Name: "organization", Columns: "id name name_key created_at suspended_at suspended_by"},
	{Name: "address", Columns: "address_key organization_id holder_id"},
	{Name: "account", Columns: "id organization_id email email_key address_digest name phone authority method method_by method_at preset language time_zone job_title mobile network_check created_at imported_at suspended_at suspended_by name_key"},
	{Name: "network", Columns: "id organization_id prefix description"},
	{Name: "operator", Columns: "id email email_key name language time_zone created_at created_by removed_at removed_by"},
	{Name: "session", Columns: "id digest organization_id holder_id started_at password_at code_at code_method fresh_password_at fresh_code_at seen_at wrong_codes pass_id network agent ended_at ended_why"},
	{Name: "password", Columns: "organization_id holder_id hash first_at set_at reset_at weak sealed format"},
	{Name: "password_reset", Columns: "id digest organization_id holder_id created_at expires_at used_at replaced_at aside waits_until needs_approval approved_at approved_by refused_at refused_by finished_at"},
	{Name: "totp", Columns: "organization_id holder_id secret enrolled_at last_step epoch"},
	{Name: "mailotp", Columns: "organization_id holder_id enrolled_at"},
	{Name: "mail_code", Columns: "id organization_id holder_id session_id door address_key digest created_at expires_at used_at replaced_at"},
	{Name: "pass", Columns: "id organization_id holder_id kind digest code_digest tries given_by why ticket created_at expires_at spent_at withdrawn_at replaced_at"},
	{Name: "pass_request", Columns: "id organization_id holder_id why ticket asked_at asked_by waits_until given_at withdrawn_at withdrawn_by"},
	{Name: "address_change", Columns: "id organization_id holder_id digest email email_key asked_at asked_by why ticket waits_until sent_at expires_at used_at replaced_at withdrawn_at withdrawn_by"},
	{Name: "second_step", Columns: "id organization_id holder_id session_id door method totp_step mail_code_id at"},
	{Name: "second_step_failure", Columns: "id organization_id holder_id session_id door at"},
	{Name: "second_step_state", Columns: "organization_id holder_id stopped_at void_at waits_from"},
	{Name: "setup", Columns: "session_id organization_id holder_id door method mailbox_at password_hash secret wrong_codes started_at finished_at",
		Moved: true}, // half of a set-up, with secrets, of sessions that a restore ends
	{Name: "maintenance_window", Columns: "id opens closes planned_at planned_by cancelled_at cancelled_by lifted_from lifted_by"},
	{Name: "maintenance_operator", Columns: "window_id operator_id"},
	{Name: "policy", Columns: "id version"},
	{Name: "rollout", Columns: "id organization_id opens ends planned_at planned_by withdrawn_at withdrawn_by zone message_en message_ja reminders version"},
	{Name: "rollout_version", Columns: "rollout_id version what opens ends zone message_en message_ja reminders saved_at saved_by"},
	{Name: "extension", Columns: "id rollout_id organization_id holder_id until reason given_at given_by replaced_at"},
	{Name: "grace_end", Columns: "address_digest organization_id holder_id ended_at why ended_by"},
	{Name: "progress_event", Columns: "id organization_id holder_id what method at"},
	{Name: "progress_person", Columns: "organization_id holder_id told_at signed_at started_at enrolled_at method method_at away left_at"},
	{Name: "progress", Columns: "organization_id accounts told signed started totp mailotp"},
	{Name: "progress_hour", Columns: "organization_id hour told signed started totp mailotp"},
	{Name: "reminder_round", Columns: "id rollout_id organization_id given_at what own_end due_at asked_by after_organization after_holder queued sent failed skipped started_at finished_at"},
	{Name: "reminder", Columns: "rollout_id organization_id holder_id what own_end round_id mail_id queued_at became"},
	{Name: "undeliverable", Columns: "organization_id holder_id recipient source status words since_at latest_at mails"},
	{Name: "rehearsal", Columns: "id rollout_id asked_at asked_by lease_by lease_until tries step done report failure finished_at", Blank: noLease},
	{Name: "notice", Columns: "id organization_id authority title_en title_ja text_en text_ja shows_from shows_until at_signin by_mail published_at published_by changed_at changed_by withdrawn_at withdrawn_by after_organization after_holder mailed mailed_at"},
	{Name: "notice_read", Columns: "notice_id organization_id holder_id read_at"},
	{Name: "import_run", Columns: "id digest name bytes options uploaded state asked_at asked_by confirmed_at lease_by lease_until tries read_to done tally unread failure finished_at",
		Blank: noLease},
	{Name: "import_row", Columns: "run_id line outcome organization email reason"},
	{Name: "import_chunk", Columns: "run_id n piece"},
	{Name: "record_hour", Columns: "hour act refused"},
	{Name: "record_counted", Columns: "id until_hour"},
	{Name: "business_day", Columns: "day opened note said_at said_by"},
	{Name: "ticket_counter", Columns: "id latest"},
	{Name: "ticket", Columns: "number organization_id holder_id author_name author_email author_key language category service kind urgency summary form state version opened_at opened_day changed_at due_at assigned_to assigned_at assigned_by answered_at answered_by answered_day answer_took closed_at closed_by closed_day about_organization about_holder"},
	{Name: "ticket_reader", Columns: "organization_id holder_id number state contact"},
	{Name: "ticket_entry", Columns: "id organization_id number kind by_organization by_holder by_name text form at by_mail"},
	{Name: "attachment", Columns: "id organization_id number entry_id by_organization by_holder form name media size at whole"},
	{Name: "attachment_chunk", Columns: "organization_id attachment_id seq bytes"},
	{Name: "ticket_pair", Columns: "pair number"},
	{Name: "answer_template", Columns: "id title text_en text_ja saved_at saved_by"},
}

// LeftOut are the tables of which nothing is carried, with the reason.
var LeftOut = map[string]string{
	"migration":   "the database that rows arrive in has steps of its own",
	"portal_hold": "of one database, never of the portal",
	"key_node":    "no node runs on what was put back",
	"node":        "no node runs on what was put back",
}

// What a backup or a database can be refused for.
var (
	ErrNotBackup = errors.New("this is not a backup of a portal")
	ErrDamaged   = errors.New("the backup is damaged")
	ErrKey       = errors.New("the backup does not open with this key")
	ErrNewer     = errors.New("the backup was taken by a newer nidan")
	ErrSchema    = errors.New("the database's tables are not those that this program carries")
	ErrTarget    = errors.New("the database is not empty")
	ErrDiffers   = errors.New("what was written differs from what was read")
)

// Header is what a backup says of itself before its rows.
type Header struct {
	Format  int          `json:"format"`
	Product string       `json:"product"` // version of the program
	Taken   time.Time    `json:"taken"`
	Engine  store.Engine `json:"engine"`
	Steps   []Step       `json:"steps"` // of the schema
	Proof   []byte       `json:"proof"` // sealed with the portal's key
	Demo    bool         `json:"demo"`
	Tables  []Listed     `json:"tables"`
}

// Step is one migration that the database had.
type Step struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

// Listed is a table in a backup, with the rows it had.
type Listed struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Kinds   string   `json:"kinds"` // a letter a column
	Rows    int64    `json:"rows"`
}

// Rows are all rows.
func (h Header) Rows() (n int64) {
	for _, t := range h.Tables {
		n += t.Rows
	}
	return n
}

// schema is the part of known steps that a backup was taken with. It names the first
// step that is not known so, or how much newer the backup is.
func (h Header) schema(known []store.Migration) ([]store.Migration, error) {
	for i, s := range h.Steps {
		switch {
		case i >= len(known):
			return nil, fmt.Errorf("%w: its schema has step %s; this program ends with %s: install version %s or a later one", ErrNewer, s.Name, known[len(known)-1].Name, h.Product)
		case known[i].Digest != s.Digest:
			return nil, fmt.Errorf("%w: its step %s is another than this program's: install version %s", ErrNewer, s.Name, h.Product)
		}
	}
	if len(h.Steps) == 0 {
		return nil, fmt.Errorf("%w: it names no schema", ErrDamaged)
	}
	return known[:len(h.Steps)], nil
}

// carried are the tables of a schema as dumps, in order; every table of it is carried
// or left out, and every column as named.
func carried(schema map[string][]store.Column, whole bool) ([]store.Dump, error) {
	var dumps []store.Dump
	named := map[string]bool{}
	for _, t := range Tables {
		named[t.Name] = true
		dump, err := t.dump(schema[t.Name])
		if err != nil {
			return nil, err
		}
		if whole || !t.Moved {
			dumps = append(dumps, dump)
		}
	}
	for name := range schema {
		if !named[name] && LeftOut[name] == "" {
			return nil, fmt.Errorf("%w: there is a table %s: a newer nidan has migrated it; use that one", ErrSchema, name)
		}
	}
	return dumps, nil
}

func (t Table) dump(columns []store.Column) (store.Dump, error) {
	dump := store.Dump{Table: t.Name, Blank: t.Blank}
	names := strings.Fields(t.Columns)
	for _, name := range names {
		i := slices.IndexFunc(columns, func(c store.Column) bool { return c.Name == name })
		if i < 0 {
			return store.Dump{}, fmt.Errorf("%w: %s has no column %s", ErrSchema, t.Name, name)
		}
		dump.Columns = append(dump.Columns, columns[i])
	}
	if len(columns) != len(names) {
		return store.Dump{}, fmt.Errorf("%w: %s has %d columns, not %d: a newer nidan has migrated it; use that one", ErrSchema, t.Name, len(columns), len(names))
	}
	return dump, nil
}

// listed are the tables of a header as dumps of a schema: nothing is written but into
// tables and columns that are there, and none of them is forgotten.
func (h Header) listed(schema map[string][]store.Column) ([]store.Dump, error) {
	dumps := make([]store.Dump, 0, len(h.Tables))
	named := map[string]bool{}
	for _, t := range h.Tables {
		columns := slices.Clone(schema[t.Name])
		by := func(a, b store.Column) int { return strings.Compare(a.Name, b.Name) }
		var theirs []store.Column
		for i, name := range t.Columns {
			if i < len(t.Kinds) {
				theirs = append(theirs, store.Column{Name: name, Kind: store.Kind(t.Kinds[i])})
			}
		}
		sorted := slices.SortedFunc(slices.Values(theirs), by)
		slices.SortFunc(columns, by)
		if len(theirs) != len(t.Columns) || len(columns) == 0 || named[t.Name] || !slices.Equal(columns, sorted) {
			return nil, fmt.Errorf("%w: its table %s is not the one of its schema", ErrDamaged, t.Name)
		}
		named[t.Name] = true
		dumps = append(dumps, store.Dump{Table: t.Name, Columns: theirs})
	}
	for _, t := range Tables {
		if !named[t.Name] && !t.Moved && schema[t.Name] != nil {
			return nil, fmt.Errorf("%w: it lacks the table %s", ErrDamaged, t.Name)
		}
	}
	return dumps, nil
}

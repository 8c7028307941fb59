-- The portal's first schema. One text for both engines: text, bigint, integer,
-- boolean, bytea. Instants are microseconds (UTC); ids are made by the program.
-- A holder is whoever signs in: an account of an organization, or an operator,
-- whose organization_id is 'operators'.

-- store: the database itself
create table portal (
	id integer primary key check (id = 1),
	key_check bytea not null,
	demo boolean not null,
	created_at bigint not null
);

-- clock: time runs forward
create table clock (
	id integer primary key check (id = 1),
	latest bigint not null,
	epoch bigint not null,
	floor_step bigint not null,
	demo_offset bigint not null
);
create table node (
	name text primary key,
	started_at bigint not null,
	stopped_at bigint
);

-- mail: the outbox; text and html are sealed, and emptied once sent
create table mail (
	id text primary key,
	organization_id text not null,
	holder_id text not null,
	lane text not null check (lane in ('code', 'notice', 'bulk')),
	kind text not null,
	recipient text not null,
	subject text not null,
	body bytea,
	created_at bigint not null,
	due_at bigint not null,
	expires_at bigint,
	tries integer not null,
	lease_by text,
	lease_until bigint not null,
	sent_at bigint,
	dropped_at bigint,
	parked_at bigint,
	failure text
);
create index mail_due on mail (lane, due_at, id) where sent_at is null and dropped_at is null and parked_at is null;
create index mail_holder on mail (organization_id, holder_id, created_at);
create table demo_mail (
	id text primary key,
	recipient text not null,
	subject text not null,
	body bytea not null,
	at bigint not null
);

-- audit: append-only, one chain an organization and one for operators
create table audit (
	chain text not null,
	seq bigint not null,
	at bigint not null,
	act text not null,
	actor_kind text not null check (actor_kind in ('account', 'operator', 'console', 'portal', 'stranger')),
	actor text not null,
	subject text not null,
	network text not null,
	detail text not null,
	previous bytea not null,
	digest bytea not null,
	primary key (chain, seq)
);
create index audit_at on audit (at);

-- limit: how often an act may be tried (GCRA)
create table allowance (
	name text primary key,
	full_at bigint not null
);
create index allowance_full on allowance (full_at);

-- organization, account, operator
create table organization (
	id text primary key,
	name text not null,
	name_key text not null unique,
	created_at bigint not null,
	suspended_at bigint,
	suspended_by text
);
create table address (
	address_key text primary key,
	organization_id text not null,
	holder_id text not null
);
create table account (
	id text primary key,
	organization_id text not null references organization (id),
	email text not null,
	email_key text not null unique references address (address_key) deferrable initially deferred,
	address_digest bytea not null,
	name text not null,
	phone text not null,
	authority text not null check (authority in ('portal_admin', 'general_user')),
	method text not null check (method in ('totp', 'mailotp')),
	method_by text not null,
	method_at bigint not null,
	preset text not null check (preset in ('', 'totp', 'mailotp')),
	language text not null check (language in ('en', 'ja')),
	time_zone text not null,
	job_title text not null,
	mobile text not null,
	network_check boolean not null,
	created_at bigint not null,
	imported_at bigint,
	suspended_at bigint,
	suspended_by text,
	unique (organization_id, id)
);
create index account_organization on account (organization_id, name, id);
create table network (
	id text primary key,
	organization_id text not null references organization (id),
	prefix text not null,
	description text not null,
	unique (organization_id, prefix)
);
create table operator (
	id text primary key,
	email text not null,
	email_key text not null unique references address (address_key) deferrable initially deferred,
	name text not null,
	language text not null check (language in ('en', 'ja')),
	time_zone text not null,
	created_at bigint not null,
	created_by text not null,
	removed_at bigint,
	removed_by text
);

-- session: what one browser has proved; the id is also the pending sign-in's
create table session (
	id text primary key,
	digest bytea not null unique,
	organization_id text not null,
	holder_id text not null,
	started_at bigint not null,
	password_at bigint not null,
	code_at bigint,
	code_method text,
	fresh_password_at bigint,
	fresh_code_at bigint,
	seen_at bigint not null,
	wrong_codes integer not null,
	pass_id text,
	network text not null,
	agent text not null,
	ended_at bigint,
	ended_why text
);
create index session_holder on session (organization_id, holder_id) where ended_at is null;
create index session_network on session (organization_id, holder_id, network, started_at);

-- password
create table password (
	organization_id text not null,
	holder_id text not null,
	hash text not null,
	first_at bigint not null,
	set_at bigint not null,
	reset_at bigint,
	weak boolean not null,
	primary key (organization_id, holder_id)
);
create table password_reset (
	id text primary key,
	digest bytea not null unique,
	organization_id text not null,
	holder_id text not null,
	created_at bigint not null,
	expires_at bigint not null,
	used_at bigint,
	replaced_at bigint,
	aside bytea,
	waits_until bigint,
	needs_approval boolean not null,
	approved_at bigint,
	approved_by text,
	refused_at bigint,
	refused_by text,
	finished_at bigint
);
create unique index password_reset_aside on password_reset (organization_id, holder_id)
	where aside is not null and finished_at is null and refused_at is null and replaced_at is null;
create index password_reset_holder on password_reset (organization_id, holder_id, created_at);

-- totp, mailotp: a row is an enrolled method
create table totp (
	organization_id text not null,
	holder_id text not null,
	secret bytea not null,
	enrolled_at bigint not null,
	last_step bigint not null,
	epoch bigint not null,
	primary key (organization_id, holder_id)
);
create table mailotp (
	organization_id text not null,
	holder_id text not null,
	enrolled_at bigint not null,
	primary key (organization_id, holder_id)
);
create table mail_code (
	id text primary key,
	organization_id text not null,
	holder_id text not null,
	session_id text not null,
	door text not null check (door in ('signin', 'confirm', 'setup', 'address', 'method')),
	address_key text not null,
	digest bytea not null,
	created_at bigint not null,
	expires_at bigint not null,
	used_at bigint,
	replaced_at bigint
);
create index mail_code_holder on mail_code (organization_id, holder_id, created_at);
create index mail_code_session on mail_code (session_id, created_at);

-- pass: a one-time permission to set up (starting guide, pass, operator's link)
create table pass (
	id text primary key,
	organization_id text not null,
	holder_id text not null,
	kind text not null check (kind in ('guide', 'pass', 'operator')),
	digest bytea not null unique,
	code_digest bytea,
	tries integer not null,
	given_by text not null,
	why text not null,
	ticket text not null,
	created_at bigint not null,
	expires_at bigint not null,
	spent_at bigint,
	withdrawn_at bigint,
	replaced_at bigint
);
create unique index pass_current on pass (organization_id, holder_id)
	where spent_at is null and withdrawn_at is null and replaced_at is null;

-- verification: the ledger of second steps, right and wrong
create table second_step (
	id text primary key,
	organization_id text not null,
	holder_id text not null,
	session_id text not null,
	door text not null check (door in ('signin', 'confirm', 'setup', 'phone')),
	method text not null check (method in ('totp', 'mailotp')),
	totp_step bigint,
	mail_code_id text,
	at bigint not null,
	check ((method = 'totp') = (totp_step is not null)),
	check ((method = 'mailotp') = (mail_code_id is not null))
);
create unique index second_step_totp on second_step (organization_id, holder_id, totp_step) where totp_step is not null;
create unique index second_step_mail on second_step (mail_code_id) where mail_code_id is not null;
create unique index second_step_signin on second_step (session_id) where door = 'signin';
create table second_step_failure (
	id text primary key,
	organization_id text not null,
	holder_id text not null,
	session_id text not null,
	door text not null,
	at bigint not null
);
create index second_step_failure_holder on second_step_failure (organization_id, holder_id, at);
create index second_step_holder on second_step (organization_id, holder_id, at);
create table second_step_state (
	organization_id text not null,
	holder_id text not null,
	stopped_at bigint,
	void_at bigint,
	primary key (organization_id, holder_id)
);

-- maintenance: windows are always for the whole portal
create table maintenance_window (
	id text primary key,
	opens bigint not null,
	closes bigint not null,
	planned_at bigint not null,
	planned_by text not null,
	cancelled_at bigint,
	cancelled_by text,
	check (opens < closes)
);
create table maintenance_operator (
	window_id text not null references maintenance_window (id),
	operator_id text not null references operator (id),
	primary key (window_id, operator_id)
);

-- the version every node compares its copy of windows and rollouts with
create table policy (
	id integer primary key check (id = 1),
	version bigint not null
);
insert into policy (id, version) values (1, 1);

-- rollout: organization_id is '' for the whole portal's
create table rollout (
	id text primary key,
	organization_id text not null,
	opens bigint not null,
	ends bigint not null,
	planned_at bigint not null,
	planned_by text not null,
	withdrawn_at bigint,
	withdrawn_by text,
	check (opens < ends)
);
create table extension (
	id text primary key,
	rollout_id text not null references rollout (id),
	organization_id text not null,
	holder_id text not null,
	until bigint not null,
	reason text not null,
	given_at bigint not null,
	given_by text not null,
	replaced_at bigint
);
create unique index extension_current on extension (rollout_id, organization_id, holder_id) where replaced_at is null;
create table grace_end (
	address_digest bytea primary key,
	organization_id text not null,
	holder_id text not null,
	ended_at bigint not null,
	why text not null,
	ended_by text not null
);

-- setup: what one browser has done of its set-up; nothing of it counts before the end
create table setup (
	session_id text primary key,
	organization_id text not null,
	holder_id text not null,
	door text not null check (door in ('setup', 'phone')),
	method text not null,
	mailbox_at bigint,
	password_hash text,
	secret bytea,
	wrong_codes integer not null,
	started_at bigint not null,
	finished_at bigint
);

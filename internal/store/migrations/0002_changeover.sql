-- The changeover: what a rollout says, what became of everybody in it, letters
-- that did not arrive, passes that are asked for.

-- rollout: its words and its reminders, with every version that was in force
alter table rollout add column zone text not null default '';
alter table rollout add column message_en text not null default '';
alter table rollout add column message_ja text not null default '';
alter table rollout add column reminders text not null default '28,14,7,3,1';
alter table rollout add column version bigint not null default 1;
create table rollout_version (
	rollout_id text not null references rollout (id),
	version bigint not null,
	what text not null check (what in ('planned', 'changed', 'withdrawn')),
	opens bigint not null,
	ends bigint not null,
	zone text not null,
	message_en text not null,
	message_ja text not null,
	reminders text not null,
	saved_at bigint not null,
	saved_by text not null,
	primary key (rollout_id, version)
);
insert into rollout_version (rollout_id, version, what, opens, ends, zone, message_en, message_ja, reminders, saved_at, saved_by)
	select id, 1, 'planned', opens, ends, zone, message_en, message_ja, reminders, planned_at, planned_by from rollout;
create index extension_until on extension (rollout_id, until) where replaced_at is null;

-- progress: what happened, with the deed; how far each person came and the sums of
-- it, into which what happened is folded within seconds.
create table progress_event (
	id text primary key,
	organization_id text not null,
	holder_id text not null,
	what text not null check (what in ('came', 'left', 'returned', 'told', 'signed', 'started', 'enrolled')),
	method text not null,
	at bigint not null
);
create table progress_person (
	organization_id text not null,
	holder_id text not null,
	told_at bigint,
	signed_at bigint,
	started_at bigint,
	enrolled_at bigint,
	method text not null check (method in ('', 'totp', 'mailotp')),
	method_at bigint,
	away bigint not null,
	left_at bigint,
	primary key (organization_id, holder_id),
	check ((method = '') = (enrolled_at is null)),
	check ((method = '') = (method_at is null)),
	check ((away > 0) = (left_at is not null))
);
create unique index progress_person_open on progress_person (organization_id, holder_id) where enrolled_at is null and left_at is null;
create table progress (
	organization_id text primary key,
	accounts bigint not null,
	told bigint not null,
	signed bigint not null,
	started bigint not null,
	totp bigint not null,
	mailotp bigint not null
);
create table progress_hour (
	organization_id text not null,
	hour bigint not null,
	told bigint not null,
	signed bigint not null,
	started bigint not null,
	totp bigint not null,
	mailotp bigint not null,
	primary key (organization_id, hour)
);
insert into progress_person (organization_id, holder_id, signed_at, started_at, enrolled_at, method, method_at, away, left_at)
	select a.organization_id, a.id, coalesce(t.enrolled_at, m.enrolled_at), coalesce(t.enrolled_at, m.enrolled_at),
		coalesce(t.enrolled_at, m.enrolled_at),
		case when t.enrolled_at is not null then 'totp' when m.enrolled_at is not null then 'mailotp' else '' end,
		coalesce(t.enrolled_at, m.enrolled_at), case when a.suspended_at is null then 0 else 1 end, a.suspended_at
	from account a
		left join totp t on t.organization_id = a.organization_id and t.holder_id = a.id
		left join mailotp m on m.organization_id = a.organization_id and m.holder_id = a.id;
insert into progress (organization_id, accounts, told, signed, started, totp, mailotp)
	select organization_id, count(*), 0, count(enrolled_at), count(enrolled_at),
		count(*) filter (where method = 'totp'), count(*) filter (where method = 'mailotp')
	from progress_person where left_at is null group by organization_id;
insert into progress_hour (organization_id, hour, told, signed, started, totp, mailotp)
	select organization_id, enrolled_at / 3600000000, 0, count(*), count(*),
		count(*) filter (where method = 'totp'), count(*) filter (where method = 'mailotp')
	from progress_person where left_at is null and enrolled_at is not null group by organization_id, enrolled_at / 3600000000;
insert into progress_hour (organization_id, hour, told, signed, started, totp, mailotp)
	select '', enrolled_at / 3600000000, 0, count(*), count(*),
		count(*) filter (where method = 'totp'), count(*) filter (where method = 'mailotp')
	from progress_person where left_at is null and enrolled_at is not null group by enrolled_at / 3600000000;

-- account: an organization's Portal Admins
create index account_admin on account (organization_id, id) where authority = 'portal_admin';

-- reminder: one row a person and date; the rounds they were written in, with how
-- far each has come. given_at is when the extension was given whose people a round
-- is for, 0 for those who have none; organization_id is '' for everybody covered.
create table reminder_round (
	id text primary key,
	rollout_id text not null references rollout (id),
	organization_id text not null,
	given_at bigint not null,
	what text not null,
	own_end bigint not null,
	due_at bigint not null,
	asked_by text not null,
	after_organization text not null,
	after_holder text not null,
	queued bigint not null,
	sent bigint not null,
	failed bigint not null,
	skipped bigint not null,
	started_at bigint not null,
	finished_at bigint,
	unique (rollout_id, what, own_end, organization_id, given_at)
);
create table reminder (
	rollout_id text not null,
	organization_id text not null,
	holder_id text not null,
	what text not null,
	own_end bigint not null,
	round_id text not null,
	mail_id text not null,
	queued_at bigint not null,
	became text not null check (became in ('waiting', 'sent', 'dropped', 'failed')),
	primary key (rollout_id, organization_id, holder_id, what, own_end)
);
create index reminder_waiting on reminder (queued_at, mail_id) where became in ('waiting', 'failed');

-- mail: addresses that mail does not reach, by the SMTP dialogue or by a bounce. It
-- counts while the account still has the address.
create table undeliverable (
	organization_id text not null,
	holder_id text not null,
	recipient text not null,
	source text not null check (source in ('dialogue', 'bounce')),
	status text not null,
	words text not null,
	since_at bigint not null,
	latest_at bigint not null,
	mails bigint not null,
	primary key (organization_id, holder_id, recipient)
);
create index undeliverable_latest on undeliverable (latest_at);
alter table mail add column bounced_at bigint;
create index mail_sent on mail (lane, sent_at) where sent_at is not null;
create index mail_parked on mail (parked_at) where parked_at is not null;

-- pass: one asked for at an operator where a Portal Admin is able on record, and
-- an address an operator corrects; both wait a day
create table pass_request (
	id text primary key,
	organization_id text not null,
	holder_id text not null,
	why text not null,
	ticket text not null,
	asked_at bigint not null,
	asked_by text not null,
	waits_until bigint not null,
	given_at bigint,
	withdrawn_at bigint,
	withdrawn_by text
);
create unique index pass_request_open on pass_request (organization_id, holder_id) where given_at is null and withdrawn_at is null;
create index pass_holder on pass (organization_id, holder_id, id);
create index pass_given on pass (organization_id, created_at);

-- rehearsal: a rollout played on a copy of the data, by the node that holds the
-- lease; done says how far it is, in a thousand parts
create table rehearsal (
	id text primary key,
	rollout_id text not null references rollout (id),
	asked_at bigint not null,
	asked_by text not null,
	lease_by text not null,
	lease_until bigint not null,
	tries integer not null,
	step text not null check (step in ('waiting', 'copying', 'playing', 'asking')),
	done bigint not null,
	report text,
	failure text,
	finished_at bigint,
	check (report is null or failure is null),
	check ((finished_at is null) = (report is null and failure is null))
);
create unique index rehearsal_open on rehearsal (rollout_id) where finished_at is null;
create index rehearsal_asked on rehearsal (rollout_id, asked_at);

-- maintenance: a window that was ended early closes then; here is what was planned
alter table maintenance_window add column lifted_from bigint;
alter table maintenance_window add column lifted_by text;

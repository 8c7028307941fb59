-- Tickets: questions to the operators, their threads, attachments and search.

-- ticket: organization_id and holder_id are '' for somebody without a proved
-- account, whom author_email tells; version counts what the thread has shown
create table ticket_counter (
	id integer primary key check (id = 1),
	latest bigint not null
);
insert into ticket_counter (id, latest) values (1, 0);
create table ticket (
	number bigint primary key,
	organization_id text not null,
	holder_id text not null,
	author_name text not null,
	author_email text not null,
	author_key text not null,
	language text not null check (language in ('en', 'ja')),
	category text not null,
	service text not null,
	kind text not null,
	urgency text not null,
	summary text not null,
	form text not null,
	state text not null check (state in ('open', 'answered', 'closed')),
	version bigint not null,
	opened_at bigint not null,
	opened_day bigint not null,
	changed_at bigint not null,
	due_at bigint,
	assigned_to text not null,
	assigned_at bigint,
	assigned_by text not null,
	answered_at bigint,
	answered_by text not null,
	answered_day bigint,
	answer_took bigint,
	closed_at bigint,
	closed_by text not null,
	closed_day bigint,
	about_organization text not null,
	about_holder text not null,
	check ((state = 'open') = (due_at is not null)),
	check ((state = 'closed') = (closed_at is not null)),
	check (state <> 'answered' or answered_at is not null)
);
create unique index ticket_form on ticket (organization_id, holder_id, form);
create index ticket_queue on ticket (state, due_at, number);
create index ticket_assigned on ticket (state, assigned_to, due_at, number);
create index ticket_state on ticket (state, number);
create index ticket_opened on ticket (opened_day, category);
create index ticket_answered on ticket (answered_day, category, answer_took);
create index ticket_closed on ticket (closed_day, category);

-- who sees a ticket, of accounts: its author, contacts, or everybody of the
-- organization (holder_id is ''); state is the ticket's, so that lists find it
create table ticket_reader (
	organization_id text not null,
	holder_id text not null,
	number bigint not null references ticket (number) on delete cascade,
	state text not null,
	contact boolean not null,
	primary key (organization_id, holder_id, number)
);
create index ticket_reader_state on ticket_reader (organization_id, holder_id, state, number);
create index ticket_reader_number on ticket_reader (number);

create table ticket_entry (
	id text primary key,
	organization_id text not null,
	number bigint not null references ticket (number) on delete cascade,
	kind text not null check (kind in ('question', 'comment', 'answer', 'note', 'closed')),
	by_organization text not null,
	by_holder text not null,
	by_name text not null,
	text text not null,
	form text not null,
	at bigint not null
);
create unique index ticket_entry_form on ticket_entry (number, by_holder, form);
create index ticket_entry_thread on ticket_entry (number, id);

-- attachments: rows that pages list, and their bytes apart; number is null until
-- the deed that they were sent with is done
create table attachment (
	id text primary key,
	organization_id text not null,
	number bigint references ticket (number) on delete cascade,
	entry_id text,
	by_organization text not null,
	by_holder text not null,
	form text not null,
	name text not null,
	media text not null,
	size bigint not null,
	at bigint not null,
	whole boolean not null
);
create index attachment_number on attachment (number, entry_id);
create index attachment_waiting on attachment (by_organization, by_holder, at) where number is null;
create table attachment_chunk (
	organization_id text not null,
	attachment_id text not null references attachment (id) on delete cascade,
	seq integer not null,
	bytes bytea not null,
	primary key (attachment_id, seq)
);

-- the pairs of characters that a ticket's text holds: no full-text index of either
-- engine finds a Japanese word of two characters
create table ticket_pair (
	pair text not null,
	number bigint not null,
	primary key (pair, number)
);

create table answer_template (
	id text primary key,
	title text not null,
	text_en text not null,
	text_ja text not null,
	saved_at bigint not null,
	saved_by text not null
);

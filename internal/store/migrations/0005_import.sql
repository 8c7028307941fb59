-- Bringing an existing customer base over: runs that can be gone on with, what became
-- of rows that were not added, and uploaded files until their run ends.

-- importing: one run a file. read_to is the line up to which it is done; tally counts
-- what came of the rows, as JSON. A run of the console has no file in the database.
create table import_run (
	id text primary key,
	digest bytea not null,
	name text not null,
	bytes bigint not null,
	options text not null,
	uploaded boolean not null,
	state text not null check (state in ('uploading', 'checking', 'checked', 'importing', 'finished', 'discarded', 'failed')),
	asked_at bigint not null,
	asked_by text not null,
	confirmed_at bigint,
	lease_by text not null,
	lease_until bigint not null,
	tries integer not null,
	read_to bigint not null,
	done bigint not null,
	tally text not null,
	unread text not null,
	failure text,
	finished_at bigint,
	check ((finished_at is null) = (state in ('uploading', 'checking', 'checked', 'importing')))
);
create unique index import_run_open on import_run (digest, uploaded) where finished_at is null and state <> 'uploading';
create index import_run_asked on import_run (asked_at);
create table import_row (
	run_id text not null references import_run (id),
	line bigint not null,
	outcome text not null check (outcome in ('refused', 'already there', 'differs')),
	organization text not null,
	email text not null,
	reason text not null,
	primary key (run_id, line)
);
create table import_chunk (
	run_id text not null references import_run (id),
	n bigint not null,
	piece bytea not null,
	primary key (run_id, n)
);

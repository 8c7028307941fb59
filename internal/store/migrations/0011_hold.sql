-- serves-from: 11
-- Databases that must not be served: half restored, half moved, or moved elsewhere.

-- store: why, and since when
create table portal_hold (
	id integer primary key check (id = 1),
	what text not null check (what in ('restoring', 'moving', 'moved')),
	place text not null,
	at bigint not null
);

-- More than one key in the key file, and which of them seals. No key stands here.

-- keyring: the keys that were made known, by the number that each sealed value begins
-- with. key_check knows a key again. Without a row the portal has key 1.
create table key_line (
	id bigint primary key check (id between 1 and 255),
	key_check bytea not null,
	added_at bigint not null,
	added_by text not null,
	active_at bigint,
	active_by text,
	retired_at bigint,
	retired_by text
);

-- keyring: one row. digests are the keys of digests that outlive the keys, sealed
-- with the key that seals.
create table key_use (
	id integer primary key check (id = 1),
	seals bigint not null references key_line (id),
	since bigint not null,
	digests bytea not null
);

-- keyring: what each node has said of its key file since its start
create table key_node (
	node text primary key,
	started_at bigint not null,
	holds text not null,
	seals bigint not null,
	said_at bigint not null
);

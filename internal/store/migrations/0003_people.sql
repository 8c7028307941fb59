-- People: names that are found, addresses that change, old hashes that are sealed.

-- account: the name as it is compared (NFKC, lower case, without blanks), made by
-- the program; what was written before is folded by it at its next change
alter table account add column name_key text not null default '';
update account set name_key = replace(replace(lower(name), ' ', ''), '　', '');
create index account_name_key on account (organization_id, name_key, id);

-- address: a change of somebody's address; it counts when the new mailbox has
-- answered. An operator's correction waits a day before its link is sent.
create table address_change (
	id text primary key,
	organization_id text not null,
	holder_id text not null,
	digest bytea unique,
	email text not null,
	email_key text not null,
	asked_at bigint not null,
	asked_by text not null,
	why text not null,
	ticket text not null,
	waits_until bigint,
	sent_at bigint,
	expires_at bigint,
	used_at bigint,
	replaced_at bigint,
	withdrawn_at bigint,
	withdrawn_by text,
	check ((digest is null) = (sent_at is null)),
	check ((digest is null) = (expires_at is null))
);
create unique index address_change_open on address_change (organization_id, holder_id)
	where used_at is null and replaced_at is null and withdrawn_at is null;

-- password: a hash of another system, sealed until its owner signs in; hash is '' then
alter table password add column sealed bytea;
alter table password add column format text not null default '';
create index password_old on password (organization_id, holder_id) where sealed is not null;
create index password_reset_waiting on password_reset (organization_id, id)
	where aside is not null and finished_at is null and refused_at is null and replaced_at is null;

-- verification: from when on wrong codes bring waits about: a Portal Admin ended
-- those of before. The cap and the long run count all of them, as ever.
alter table second_step_state add column waits_from bigint;

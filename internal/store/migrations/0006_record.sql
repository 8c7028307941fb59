-- The record is looked up by who, whom, what and where from; networks are checked.

-- audit: each way of looking something up, newest first
drop index audit_at;
create index audit_at on audit (at, chain, seq);
create index audit_chain_at on audit (chain, at, seq);
create index audit_act on audit (act, at);
create index audit_actor on audit (actor, at);
create index audit_subject on audit (subject, at);
create index audit_network on audit (network, at);

-- account: whose permitted networks are checked
create index account_network_check on account (organization_id, id) where network_check;

-- record: refused sign-ins of an hour, added up once it is over; until says how far
create table record_hour (
	hour bigint not null,
	act text not null,
	refused bigint not null,
	primary key (hour, act)
);
create table record_counted (
	id integer primary key check (id = 1),
	until_hour bigint not null
);

-- Notices: words of operators to an audience.

-- notice: organization_id is '' for every organization, authority '' for both.
-- Whoever has a mailing on its way is after_organization, after_holder.
create table notice (
	id text primary key,
	organization_id text not null,
	authority text not null check (authority in ('', 'portal_admin', 'general_user')),
	title_en text not null,
	title_ja text not null,
	text_en text not null,
	text_ja text not null,
	shows_from bigint not null,
	shows_until bigint,
	at_signin boolean not null,
	by_mail boolean not null,
	published_at bigint not null,
	published_by text not null,
	changed_at bigint,
	changed_by text,
	withdrawn_at bigint,
	withdrawn_by text,
	after_organization text not null,
	after_holder text not null,
	mailed bigint not null,
	mailed_at bigint,
	check (shows_until is null or shows_from < shows_until)
);
create index notice_shown on notice (shows_from);
create table notice_read (
	notice_id text not null references notice (id),
	organization_id text not null,
	holder_id text not null,
	read_at bigint not null,
	primary key (notice_id, organization_id, holder_id)
);

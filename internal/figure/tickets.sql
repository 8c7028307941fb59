-- A million tickets: written past the rooms, since it would take hours through them.
-- Each {mine}th is of the organization {organization}, the rest of {organizations} others.
-- Their texts are {texts} different ones, whose pairs the ticket room makes.

-- once
create table bench_text (
	place bigint primary key,
	summary text not null
);

-- once
create table bench_pair (
	place bigint not null,
	pair text not null,
	primary key (place, pair)
);

-- texts
insert into bench_text (place, summary) values {summaries};

-- texts
insert into bench_pair (place, pair) values {pairs};

-- each
insert into ticket (number, organization_id, holder_id, author_name, author_email, author_key, language, category, service, kind, urgency,
		summary, form, state, version, opened_at, opened_day, changed_at, due_at, assigned_to, assigned_by,
		answered_at, answered_by, answered_day, answer_took, closed_at, closed_by, closed_day, about_organization, about_holder)
	with recursive n(i) as (select cast({from} as bigint) union all select i + 1 from n where i + 1 < {to})
	select i, case when i % {mine} = 0 then '{organization}' else 'o' || cast(i % {organizations} as text) end, 'a' || cast(i % 7 as text), 'Hanako Sato', '', '', 'ja',
		'portal', 'business-portal', 'question', 'normal', b.summary, 'f' || cast(i as text),
		case when i % 20 = 1 then 'open' when i % 20 = 2 then 'answered' else 'closed' end, 2, {opens} + i * 1000000, {day}, {opens} + i * 1000000,
		case when i % 20 = 1 then {opens} + i * 1000000 end, case when i % 3 = 0 then '{operator}' else '' end, '',
		case when i % 20 <> 1 then {opens} + i * 1000000 end, '{operator}', case when i % 20 <> 1 then {day} end, case when i % 20 <> 1 then 3600000000 end,
		case when i % 20 <> 1 and i % 20 <> 2 then {opens} + i * 1000000 end, '', case when i % 20 <> 1 and i % 20 <> 2 then {day} end, '', ''
	from n join bench_text b on b.place = i % {texts};

-- each
insert into ticket_reader (organization_id, holder_id, number, state, contact)
	select organization_id, '', number, state, false from ticket where number >= {from} and number < {to};

-- each
insert into ticket_reader (organization_id, holder_id, number, state, contact)
	select organization_id, holder_id, number, state, false from ticket where number >= {from} and number < {to};

-- each
insert into ticket_entry (id, organization_id, number, kind, by_organization, by_holder, by_name, text, form, at)
	select 'e' || cast(number as text), organization_id, number, 'question', organization_id, holder_id, author_name, summary, form, opened_at
	from ticket where number >= {from} and number < {to};

-- each
insert into ticket_pair (pair, number)
	with recursive n(i) as (select cast({from} as bigint) union all select i + 1 from n where i + 1 < {to})
	select b.pair, n.i from n join bench_pair b on b.place = n.i % {texts};

-- last
update ticket_counter set latest = {to} where id = 1;

-- last
analyze;

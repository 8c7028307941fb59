-- A crowd: {accounts} people in {organizations} organizations, {open} of them not
-- enrolled, two weeks after the opening. It is written past the rooms, since it
-- would take hours through them; the recount proves that it is as they would leave it.

-- once
insert into organization (id, name, name_key, created_at)
	with recursive n(i) as (select cast(0 as bigint) union all select i + 1 from n where i + 1 < {organizations})
	select 'o' || substr(cast(1000000 + i as text), 2), 'Organization ' || cast(i as text), 'organization ' || cast(i as text), {opens} from n;

-- each
insert into address (address_key, organization_id, holder_id)
	with recursive n(i) as (select cast({from} as bigint) union all select i + 1 from n where i + 1 < {to})
	select 'p' || cast(i as text) || '@crowd.example', 'o' || substr(cast(1000000 + i / {size} as text), 2), 'a' || substr(cast(100000000 + i as text), 2) from n;

-- each
insert into account (id, organization_id, email, email_key, address_digest, name, phone, authority, method, method_by, method_at,
		preset, language, time_zone, job_title, mobile, network_check, created_at)
	with recursive n(i) as (select cast({from} as bigint) union all select i + 1 from n where i + 1 < {to})
	select 'a' || substr(cast(100000000 + i as text), 2), 'o' || substr(cast(1000000 + i / {size} as text), 2),
		'p' || cast(i as text) || '@crowd.example', 'p' || cast(i as text) || '@crowd.example', (select s.secret from totp s where s.organization_id = 'operators' limit 1),
		'Hanako ' || cast((i * 7919) % 100003 as text), '0312345678', case when i % {size} < 2 then 'portal_admin' else 'general_user' end,
		case when i % 20 = 3 and (i * {open}) % {accounts} >= {open} then 'mailotp' else 'totp' end, 'bench', {opens}, '', 'en', 'Asia/Tokyo', '', '', false, {came}
	from n;

-- each
insert into password (organization_id, holder_id, hash, first_at, set_at, weak)
	with recursive n(i) as (select cast({from} as bigint) union all select i + 1 from n where i + 1 < {to})
	select 'o' || substr(cast(1000000 + i / {size} as text), 2), 'a' || substr(cast(100000000 + i as text), 2), 'none', {came}, {came}, false from n;

-- each
insert into totp (organization_id, holder_id, secret, enrolled_at, last_step, epoch)
	with recursive n(i) as (select cast({from} as bigint) union all select i + 1 from n where i + 1 < {to})
	select 'o' || substr(cast(1000000 + i / {size} as text), 2), 'a' || substr(cast(100000000 + i as text), 2),
		(select s.secret from totp s where s.organization_id = 'operators' limit 1), {opens} + (i * 7919) % {span} * 1000000, 0, 0
	from n where (i * {open}) % {accounts} >= {open} and i % 20 <> 3;

-- each
insert into mailotp (organization_id, holder_id, enrolled_at)
	with recursive n(i) as (select cast({from} as bigint) union all select i + 1 from n where i + 1 < {to})
	select 'o' || substr(cast(1000000 + i / {size} as text), 2), 'a' || substr(cast(100000000 + i as text), 2), {opens} + (i * 7919) % {span} * 1000000
	from n where (i * {open}) % {accounts} >= {open} and i % 20 = 3;

-- each
insert into progress_person (organization_id, holder_id, told_at, signed_at, started_at, enrolled_at, method, method_at, away)
	select a.organization_id, a.id, {opens}, case when e.at is not null or a.created_at % 2 = 0 then coalesce(e.at, {opens}) end, e.at, e.at, coalesce(e.method, ''), e.at, 0
	from account a left join (
		select t.organization_id, t.holder_id, t.enrolled_at as at, 'totp' as method from totp t where t.organization_id between '{first}' and '{last}'
		union all
		select m.organization_id, m.holder_id, m.enrolled_at, 'mailotp' from mailotp m where m.organization_id between '{first}' and '{last}'
	) e on e.organization_id = a.organization_id and e.holder_id = a.id
	where a.organization_id between '{first}' and '{last}';

-- each
insert into progress (organization_id, accounts, told, signed, started, totp, mailotp)
	select organization_id, count(*), count(told_at), count(signed_at), count(started_at),
		count(*) filter (where method = 'totp'), count(*) filter (where method = 'mailotp')
	from progress_person where organization_id between '{first}' and '{last}' group by organization_id;

-- each
insert into progress_hour (organization_id, hour, told, signed, started, totp, mailotp)
	select organization_id, hour, sum(told), sum(signed), sum(started), sum(totp), sum(mailotp) from (
		select organization_id, told_at / 3600000000 as hour, 1 as told, 0 as signed, 0 as started, 0 as totp, 0 as mailotp
			from progress_person where organization_id between '{first}' and '{last}'
		union all
		select organization_id, signed_at / 3600000000, 0, 1, case when started_at is null then 0 else 1 end,
			case when method = 'totp' then 1 else 0 end, case when method = 'mailotp' then 1 else 0 end
			from progress_person where organization_id between '{first}' and '{last}' and signed_at is not null
	) x group by organization_id, hour;

-- last
insert into progress_hour (organization_id, hour, told, signed, started, totp, mailotp)
	select '', hour, sum(told), sum(signed), sum(started), sum(totp), sum(mailotp) from progress_hour group by hour;

-- last
insert into undeliverable (organization_id, holder_id, recipient, source, status, words, since_at, latest_at, mails)
	select p.organization_id, p.holder_id, a.email, 'bounce', '5.1.1', 'no such user', {opens}, {opens}, 1
	from progress_person p join account a on a.organization_id = p.organization_id and a.id = p.holder_id
	where p.enrolled_at is null and p.left_at is null and cast(substr(p.holder_id, 2) as bigint) % 100 = 0;

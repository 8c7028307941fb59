-- Business days, beside the setting and the public holidays.

-- hours: days that operators closed or opened, as numbers such as 20180305
create table business_day (
	day bigint primary key,
	opened boolean not null,
	note text not null,
	said_at bigint not null,
	said_by text not null
);

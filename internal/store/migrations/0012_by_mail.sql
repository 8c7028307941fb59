-- serves-from: 11
-- ticket_entry.by_mail: it came by mail, and nobody was signed in. What came before this is not known and not marked.
alter table ticket_entry add column by_mail boolean not null default false;

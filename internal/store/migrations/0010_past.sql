-- serves-from: 9
-- clock.past: which run of the database server wrote last, as the server itself tells it; '' on SQLite.
-- Another one means that codes may be forgotten which were accepted before.
alter table clock add column past text not null default '';

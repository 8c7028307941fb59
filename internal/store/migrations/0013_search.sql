-- serves-from: 11
-- What was read from end to end among a million people.
-- The gate asks for one person's extensions with each question that memory does not answer: without this it read everybody's.
create index extension_holder on extension (organization_id, holder_id, until) where replaced_at is null;
-- What is kept for 90 days is looked for once an hour.
create index session_started on session (started_at);
create index mail_dropped on mail (dropped_at) where dropped_at is not null;

-- The columns that an import writes of one person and of one organization, as a bare
-- bulk insert has them: heads of statements, to which the rows are added.

-- organization 4
insert into organization (id, name, name_key, created_at) values 

-- address 3
insert into address (address_key, organization_id, holder_id) values 

-- account 20
insert into account (id, organization_id, email, email_key, address_digest, name, name_key, phone, authority, method, method_by, method_at, preset, language, time_zone, job_title, mobile, network_check, created_at, imported_at) values 

-- password 8
insert into password (organization_id, holder_id, hash, first_at, set_at, weak, sealed, format) values 

-- progress_person 4
insert into progress_person (organization_id, holder_id, method, away) values 

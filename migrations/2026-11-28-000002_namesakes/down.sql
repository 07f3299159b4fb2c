drop index login_identities_id_key;
alter table login_identities drop column id;
drop index sessions_by_device;
alter table logins drop column secured_at;
drop index logins_by_email;
drop index logins_email_key;
-- A namesake cannot have the address; it keeps its workspace.
update logins set email = id || '.' || email where not holder;
alter table logins drop column holder;
alter table logins add constraint logins_email_key unique (email);

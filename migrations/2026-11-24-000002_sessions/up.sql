-- What a person needs to recognise a session as their own.

alter table sessions add column user_agent text;
alter table sessions add column address text;
create index sessions_by_login on sessions (login_id) where revoked_at is null;

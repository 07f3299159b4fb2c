-- What users say of themselves.

alter table users add column language text;
alter table users add column avatar_url text;

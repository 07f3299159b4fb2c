-- The addresses of logins and users have one form too.
insert into backfills (name) values ('logins'), ('users');

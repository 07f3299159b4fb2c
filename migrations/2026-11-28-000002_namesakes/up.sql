-- Whoever names an address at a registration has not proven that it is theirs, so the answer must not tell whether it has a login. One login
-- holds the address; others under the same one are its namesakes, each with its own password.

alter table logins drop constraint logins_email_key;
alter table logins add column holder boolean not null default true;
create unique index logins_email_key on logins (email) where holder;
create index logins_by_email on logins (email);

-- Since when the way of signing in is as it is: letters that were asked for before are not written any more.
alter table logins add column secured_at timestamptz(3);

-- Whether somebody has signed in from an address before.
create index sessions_by_device on sessions (login_id, address);

-- So that an identity can be named in a path.
alter table login_identities add column id uuid not null default gen_random_uuid();
create unique index login_identities_id_key on login_identities (id);

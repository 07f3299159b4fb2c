drop index users_by_team;
drop index teams_by_parent;
alter table teams drop constraint teams_parent_id_fkey;
alter table teams drop column parent_id;
alter table users drop constraint users_role_fkey;
alter table users add constraint users_role_check check (role in ('owner', 'admin', 'manager', 'seller', 'viewer'));
drop table roles;

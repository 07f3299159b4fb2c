drop index sessions_by_login;
alter table sessions drop column address;
alter table sessions drop column user_agent;

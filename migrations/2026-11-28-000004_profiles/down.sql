alter table users drop column avatar_url;
alter table users drop column language;

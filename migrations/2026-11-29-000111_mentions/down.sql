alter table tasks drop column mentioned_user_ids;
alter table activities drop column mentioned_user_ids;

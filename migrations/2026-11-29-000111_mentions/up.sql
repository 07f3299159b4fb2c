-- The users whom a note or a task mentions.
alter table activities add column mentioned_user_ids jsonb not null default '[]';
alter table tasks add column mentioned_user_ids jsonb not null default '[]';
create index activities_with_mentions on activities (workspace_id, id) where mentioned_user_ids <> '[]';
create index tasks_with_mentions on tasks (workspace_id, id) where mentioned_user_ids <> '[]';

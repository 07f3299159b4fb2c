-- What a user should see: something was assigned, a reminder is due, a lead waits.
create table notifications (
    workspace_id uuid not null references workspaces (id) on delete cascade,
    id uuid not null,
    user_id uuid not null,
    kind text not null,
    record_kind text,
    record_id uuid,
    count integer not null default 1,
    actor_id uuid,
    -- A key of what is told at most once.
    once text,
    created_at timestamptz(3) not null,
    read_at timestamptz(3),
    primary key (workspace_id, id),
    constraint notifications_user_id_fkey foreign key (workspace_id, user_id) references users (workspace_id, id) on delete cascade
);
create unique index notifications_once on notifications (workspace_id, user_id, once) where once is not null;
create index notifications_of_user on notifications (workspace_id, user_id, created_at, id);
create index notifications_unread on notifications (workspace_id, user_id, id) where read_at is null;
alter table users add column muted_notifications jsonb not null default '[]';

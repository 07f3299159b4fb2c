-- The secret address at which calendar programs read the tasks of a user. Only its hash is stored.
create table calendar_feeds (
    workspace_id uuid not null references workspaces (id) on delete cascade,
    user_id uuid not null,
    hash bytea not null,
    created_at timestamptz(3) not null,
    last_read_at timestamptz(3),
    constraint calendar_feeds_pkey primary key (workspace_id, user_id),
    constraint calendar_feeds_user_id_fkey foreign key (workspace_id, user_id) references users (workspace_id, id) on delete cascade
);
create index calendar_feeds_by_hash on calendar_feeds (hash);

-- Roles as data, teams that nest.

create table roles (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    key text not null,
    name text not null,
    builtin boolean not null default false,
    grants jsonb not null default '[]',
    hidden_fields jsonb not null default '[]',
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    constraint roles_pkey primary key (workspace_id, id),
    constraint roles_key_key unique (workspace_id, key)
);

insert into roles (workspace_id, id, key, name, builtin, created_at, updated_at)
select w.id, gen_random_uuid(), b.key, initcap(b.key), true, w.created_at, w.created_at
from workspaces w, unnest(array['owner', 'admin', 'manager', 'seller', 'viewer']) b (key);

alter table users drop constraint users_role_check;
alter table users add constraint users_role_fkey foreign key (workspace_id, role) references roles (workspace_id, key);

alter table teams add column parent_id uuid;
alter table teams add constraint teams_parent_id_fkey foreign key (workspace_id, parent_id) references teams;
create index teams_by_parent on teams (workspace_id, parent_id);
create index users_by_team on users (workspace_id, team_id);

-- Conditions that are kept: views for people, segments for work on many records.

create table views (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    resource text not null,
    name text not null,
    owner_id uuid not null,
    shared boolean not null default false,
    selection jsonb not null,
    words text,
    sort text,
    shown_columns text[] not null default '{}',
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    constraint views_pkey primary key (workspace_id, id),
    constraint views_name_key unique (workspace_id, resource, owner_id, name),
    constraint views_owner_id_fkey foreign key (workspace_id, owner_id) references users
);

create table segments (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    resource text not null,
    name text not null,
    description text,
    kind text not null,
    selection jsonb not null,
    owner_id uuid,
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    constraint segments_pkey primary key (workspace_id, id),
    constraint segments_name_key unique (workspace_id, resource, name),
    constraint segments_owner_id_fkey foreign key (workspace_id, owner_id) references users,
    constraint segments_kind_check check (kind in ('dynamic', 'static'))
);

-- Of a static segment. The record may be of any resource, so it is no foreign key; one that is gone is not found.
create table segment_members (
    workspace_id uuid not null,
    segment_id uuid not null,
    record_id uuid not null,
    added_at timestamptz(3) not null,
    constraint segment_members_pkey primary key (workspace_id, segment_id, record_id),
    constraint segment_members_segment_id_fkey foreign key (workspace_id, segment_id) references segments on delete cascade
);

-- What came of a job, and where a job over many records stands.
alter table jobs add column result jsonb;
alter table jobs add column position uuid;

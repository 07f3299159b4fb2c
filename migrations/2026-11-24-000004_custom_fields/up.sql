-- A workspace's own fields. A record holds its values as {"region": {"text": "north"}}: the type stands with the value, so that a row
-- can be shown without its definitions.

create table custom_fields (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    resource text not null,
    key text not null,
    name text not null,
    description text,
    kind text not null,
    options text[] not null default '{}',
    refers_to text,
    group_name text,
    position integer not null default 0,
    required_stage_ids uuid[] not null default '{}',
    archived_at timestamptz(3),
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    constraint custom_fields_pkey primary key (workspace_id, id),
    constraint custom_fields_key_key unique (workspace_id, resource, key),
    constraint custom_fields_resource_check check (resource in ('contacts', 'companies', 'leads', 'deals'))
);

alter table contacts add column custom jsonb not null default '{}';
alter table companies add column custom jsonb not null default '{}';
alter table leads add column custom jsonb not null default '{}';
alter table deals add column custom jsonb not null default '{}';

-- Partial: records without such values cost these indexes nothing.
create index contacts_by_custom on contacts using gin (workspace_id, custom jsonb_path_ops) where custom <> '{}';
create index companies_by_custom on companies using gin (workspace_id, custom jsonb_path_ops) where custom <> '{}';
create index leads_by_custom on leads using gin (workspace_id, custom jsonb_path_ops) where custom <> '{}';
create index deals_by_custom on deals using gin (workspace_id, custom jsonb_path_ops) where custom <> '{}';

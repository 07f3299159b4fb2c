-- What a person agreed to and when, who was erased and why, and how long people are kept.

-- Append-only: each row is a consent as it was given or taken back.
create table consent_records (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    contact_id uuid not null,
    channel text not null,
    granted boolean not null,
    at timestamptz(3) not null,
    how text,
    words text,
    recorded_at timestamptz(3) not null,
    recorded_by uuid,
    constraint consent_records_pkey primary key (workspace_id, id),
    constraint consent_records_contact_id_fkey foreign key (workspace_id, contact_id) references contacts,
    constraint consent_records_recorded_by_fkey foreign key (workspace_id, recorded_by) references users
);
create index consent_records_by_contact on consent_records (workspace_id, contact_id, recorded_at, id);

-- Append-only: the proof of an erasure. Addresses are kept as keyed hashes, so that one can still be recognised but not read.
create table erasures (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    contact_id uuid not null,
    reason text not null,
    address_hashes text[] not null,
    erased jsonb not null,
    erased_by uuid,
    rule_id uuid,
    created_at timestamptz(3) not null,
    constraint erasures_pkey primary key (workspace_id, id),
    constraint erasures_contact_id_key unique (workspace_id, contact_id),
    constraint erasures_erased_by_fkey foreign key (workspace_id, erased_by) references users
);
create index erasures_recent on erasures (workspace_id, created_at, id);

create table retention_rules (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    name text not null,
    resource text not null,
    selection jsonb not null,
    action text not null,
    reason text not null,
    active boolean not null default true,
    owner_id uuid not null,
    last_run_at timestamptz(3),
    last_job_id uuid,
    version bigint not null default 1,
    created_at timestamptz(3) not null,
    updated_at timestamptz(3) not null,
    constraint retention_rules_pkey primary key (workspace_id, id),
    constraint retention_rules_name_key unique (workspace_id, name),
    constraint retention_rules_owner_id_fkey foreign key (workspace_id, owner_id) references users,
    constraint retention_rules_action_check check (action in ('erase', 'delete'))
);
create index retention_rules_due on retention_rules (last_run_at) where active;

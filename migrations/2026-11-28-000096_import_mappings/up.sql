-- How people mapped the columns of a file, for later files with the same header.
create table import_mappings (
    workspace_id uuid not null references workspaces (id),
    resource text not null,
    -- A fingerprint of the header.
    header text not null,
    mapping jsonb not null,
    used_at timestamptz(3) not null,
    constraint import_mappings_pkey primary key (workspace_id, resource, header)
);
create index import_mappings_recent on import_mappings (workspace_id, used_at);

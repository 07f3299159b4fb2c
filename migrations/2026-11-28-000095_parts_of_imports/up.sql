-- An import of several tables, or of several kinds of records per row, has parts, each an import of its own.
alter table imports
    alter column resource drop not null,
    add column parent_id uuid,
    add column parts jsonb not null default '[]',
    add constraint imports_parent_fkey foreign key (workspace_id, parent_id)
        references imports (workspace_id, id) on delete cascade,
    add constraint imports_resource_check check (resource is not null or parent_id is null);
create index imports_of_parent on imports (workspace_id, parent_id) where parent_id is not null;

-- The file of an import is stored in blocks of 1 MiB, so that storing and loading it takes no memory.
create table import_blocks (
    workspace_id uuid not null,
    import_id uuid not null,
    number integer not null,
    content bytea not null,
    constraint import_blocks_pkey primary key (workspace_id, import_id, number),
    constraint import_blocks_import_fkey foreign key (workspace_id, import_id)
        references imports (workspace_id, id) on delete cascade
);

insert into import_blocks (workspace_id, import_id, number, content)
select workspace_id, id, number, substring(content from number * 1048576 + 1 for 1048576)
from imports, generate_series(0, (length(content) - 1) / 1048576) number
where content is not null and length(content) > 0;

drop index imports_with_file;
alter table imports drop constraint imports_file_check, drop column content;
create index imports_with_file on imports (updated_at) where file_removed_at is null;

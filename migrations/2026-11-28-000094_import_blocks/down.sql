alter table imports add column content bytea;
update imports
set content = coalesce((
    select string_agg(block.content, '' order by number)
    from import_blocks block
    where block.workspace_id = imports.workspace_id and block.import_id = imports.id), '')
where file_removed_at is null;
drop index imports_with_file;
alter table imports
    add constraint imports_file_check check ((content is null) = (file_removed_at is not null));
create index imports_with_file on imports (updated_at) where content is not null;
drop table import_blocks;

delete from imports where resource is null;
drop index imports_of_parent;
alter table imports
    drop constraint imports_resource_check,
    drop constraint imports_parent_fkey,
    drop column parts,
    drop column parent_id,
    alter column resource set not null;

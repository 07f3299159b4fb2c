-- How much a workspace keeps is summed up at each upload.
create index files_usage_idx on files (workspace_id) include (size) where purged_at is null;

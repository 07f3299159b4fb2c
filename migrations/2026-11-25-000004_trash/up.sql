-- What was deleted is listed to be restored: few rows, so few entries.
create index activities_trash on activities (workspace_id, deleted_at, id) where deleted_at is not null;
create index companies_trash on companies (workspace_id, deleted_at, id) where deleted_at is not null;
create index contacts_trash on contacts (workspace_id, deleted_at, id) where deleted_at is not null;
create index deals_trash on deals (workspace_id, deleted_at, id) where deleted_at is not null;
create index files_trash on files (workspace_id, deleted_at, id) where deleted_at is not null;
create index leads_trash on leads (workspace_id, deleted_at, id) where deleted_at is not null;
create index products_trash on products (workspace_id, deleted_at, id) where deleted_at is not null;
create index tasks_trash on tasks (workspace_id, deleted_at, id) where deleted_at is not null;

-- Whose a record was when it was closed, whoever owns it since; and whether nobody knows when it began.
alter table deals add column closed_by_id uuid, add column without_beginning boolean not null default false,
    add constraint deals_closed_by_id_fkey foreign key (workspace_id, closed_by_id) references users;
alter table leads add column closed_by_id uuid, add column without_beginning boolean not null default false,
    add constraint leads_closed_by_id_fkey foreign key (workspace_id, closed_by_id) references users;

-- What is closed was closed by its owner, or by who moved it.
update deals set closed_by_id = coalesce(owner_id, (
    select sp.moved_by from stage_spans sp
    where sp.workspace_id = deals.workspace_id and sp.record_id = deals.id and sp.left_at is null
)) where status <> 'open';
update leads set closed_by_id = coalesce(owner_id, (
    select sp.moved_by from stage_spans sp
    where sp.workspace_id = leads.workspace_id and sp.record_id = leads.id and sp.left_at is null
)) where status <> 'open';

-- An import took the closing for the beginning where a row had no other date.
update deals set without_beginning = true where status <> 'open' and created_at = closed_at and exists (
    select from stage_spans sp
    where sp.workspace_id = deals.workspace_id and sp.record_id = deals.id and sp.entered_at = deals.created_at and sp.left_at = sp.entered_at
);
update leads set without_beginning = true where status <> 'open' and created_at = closed_at and exists (
    select from stage_spans sp
    where sp.workspace_id = leads.workspace_id and sp.record_id = leads.id and sp.entered_at = leads.created_at and sp.left_at = sp.entered_at
);

-- Activities that are pinned, were edited, or are reports of visits: where, with whom, about what, and what comes next.
alter table activities
    add column pinned boolean not null default false,
    add column edited_at timestamptz(3),
    add column place text,
    add column participants jsonb not null default '[]',
    add column product_ids jsonb not null default '[]',
    add column next_task_id uuid,
    add constraint activities_next_task_id_fkey foreign key (workspace_id, next_task_id) references tasks (workspace_id, id);
create index activities_by_participant on activities using gin (workspace_id, participants jsonb_path_ops)
    where participants <> '[]';
create index activities_pinned_on_contact on activities (workspace_id, contact_id, occurred_at, id) where pinned and deleted_at is null;
create index activities_pinned_on_company on activities (workspace_id, company_id, occurred_at, id) where pinned and deleted_at is null;
create index activities_pinned_on_lead on activities (workspace_id, lead_id, occurred_at, id) where pinned and deleted_at is null;
create index activities_pinned_on_deal on activities (workspace_id, deal_id, occurred_at, id) where pinned and deleted_at is null;
alter table workspaces
    add column call_url text not null default 'tel:{phone}';

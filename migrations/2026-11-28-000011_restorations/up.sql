-- When leads and deals were deleted that came back: what stood in the funnel at an instant stays so.
create table restorations (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    record_id uuid not null,
    deleted_at timestamptz(3) not null,
    restored_at timestamptz(3) not null,
    constraint restorations_pkey primary key (workspace_id, id),
    constraint restorations_order_check check (restored_at >= deleted_at)
);
create index restorations_by_record on restorations (workspace_id, record_id);

insert into restorations (workspace_id, id, record_id, deleted_at, restored_at)
select back.workspace_id, gen_random_uuid(), back.record_id, gone.at, back.at
from events back
cross join lateral (
    select max(e.at) as at from events e
    where e.workspace_id = back.workspace_id and e.record_id = back.record_id and e.type in ('lead.deleted', 'deal.deleted') and e.at <= back.at
) gone
where back.type in ('lead.restored', 'deal.restored') and gone.at is not null;

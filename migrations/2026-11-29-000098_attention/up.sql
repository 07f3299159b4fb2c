-- When a user first contacted the person of a lead, and indexes for the lists of what needs attention.
alter table leads add column first_response_at timestamptz(3);
update leads set first_response_at = greatest(first.at, leads.created_at)
from (
    select workspace_id, lead_id, min(occurred_at) as at from activities
    where lead_id is not null and deleted_at is null and type in ('call', 'email', 'message', 'meeting', 'visit')
        and direction is distinct from 'inbound'
    group by workspace_id, lead_id
) first
where leads.workspace_id = first.workspace_id and leads.id = first.lead_id;

create index deals_untouched on deals (workspace_id, stage_id, last_activity_at) where status = 'open' and deleted_at is null;
create index leads_untouched on leads (workspace_id, stage_id, last_activity_at) where status = 'open' and deleted_at is null;
create index deals_open_by_owner on deals (workspace_id, owner_id, last_activity_at) where status = 'open' and deleted_at is null;
create index leads_open_by_owner on leads (workspace_id, owner_id, last_activity_at) where status = 'open' and deleted_at is null;
create index leads_unanswered on leads (workspace_id, created_at, id)
    where status = 'open' and first_response_at is null and deleted_at is null;
create index leads_by_come_back on leads (workspace_id, come_back_on) where come_back_on is not null and deleted_at is null;
create index deals_by_closer on deals (workspace_id, closed_by_id, closed_at) where closed_by_id is not null;
create index activities_by_author on activities (workspace_id, author_id, occurred_at) where author_id is not null;
create index tasks_by_completer on tasks (workspace_id, completed_by, completed_at) where completed_by is not null;

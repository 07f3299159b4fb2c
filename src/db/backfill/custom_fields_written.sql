with new as (
    select * from jsonb_to_recordset(:rows::jsonb) as n (workspace_id uuid, id uuid, custom jsonb, changes jsonb, version bigint, event_id uuid)
), written as (
    update :records r set custom = n.custom, version = n.version, updated_at = now()
    from new n where r.workspace_id = n.workspace_id and r.id = n.id
)
insert into events (workspace_id, id, at, type, record_kind, record_id, record_version, actor_kind, request_id, changes)
select workspace_id, event_id, now(), :kind || '.updated', :kind, id, version, 'migration', '', changes
from new

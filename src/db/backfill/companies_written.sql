with new as (
    select * from jsonb_to_recordset(:rows::jsonb) as n (workspace_id uuid, id uuid, domain text, was text, version bigint, event_id uuid)
), written as (
    update companies c set domain = n.domain, version = n.version, updated_at = now()
    from new n where c.workspace_id = n.workspace_id and c.id = n.id
)
insert into events (workspace_id, id, at, type, record_kind, record_id, record_version, actor_kind, request_id, changes)
select workspace_id, event_id, now(), 'company.updated', 'company', id, version, 'migration', '',
    jsonb_build_object('domain', jsonb_build_array(was, domain))
from new

with written as (
    update users u set email = :email, version = :version, updated_at = now()
    where u.workspace_id = :workspace and u.id = :id
        and not exists (select from users other where other.workspace_id = u.workspace_id and other.email = :email)
    returning u.workspace_id, u.id
)
insert into events (workspace_id, id, at, type, record_kind, record_id, record_version, actor_kind, request_id, changes)
select workspace_id, :event, now(), 'user.updated', 'user', id, :version, 'migration', '',
    jsonb_build_object('email', jsonb_build_array(:was::text, :email::text))
from written

-- Logins belong to no workspace.
select '00000000-0000-0000-0000-000000000000'::uuid as workspace_id, id, email, 0::bigint as version
from logins
where ('00000000-0000-0000-0000-000000000000'::uuid, id) > (:workspace, :record) and email ~ 'xn--|[^ -~]'
order by id
limit :limit
for update

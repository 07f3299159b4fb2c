select workspace_id, id, email, version
from users
where (workspace_id, id) > (:workspace, :record) and email ~ 'xn--|[^ -~]'
order by workspace_id, id
limit :limit
for update

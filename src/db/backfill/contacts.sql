select c.workspace_id, c.id, w.country, c.emails, c.phones, c.deleted_at is not null as deleted, c.version
from contacts c join workspaces w on w.id = c.workspace_id
where (c.workspace_id, c.id) > (:workspace, :record) and (c.emails <> '[]' or c.phones <> '[]')
order by c.workspace_id, c.id
limit :limit
for update of c

-- The next task of each record: the first of its open ones.
update :table set next_task_id = next.id, next_task_at = next.due_end
from unnest(:ids) record (id) left join lateral (
    select id, due_end from tasks where workspace_id = :workspace and :link = record.id and status = 'open' and deleted_at is null
    order by due_end nulls last, id limit 1
) next on true
where :table.workspace_id = :workspace and :table.id = record.id

-- Updates the next task of each record.
update :table set next_task_id = next.id, next_task_at = next.due_end, next_task_on = next.due_date
from unnest(:ids) record (id) left join lateral (:first) next on true
where :table.workspace_id = :workspace and :table.id = record.id
    and (:table.next_task_id, :table.next_task_at, :table.next_task_on) is distinct from (next.id, next.due_end, next.due_date)

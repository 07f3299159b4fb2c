-- An open record of :table without activity for longer than its stage allows now. `exists` over the primary key of stages
-- becomes a join, so that an index on stage and last activity can serve it.
:table.status = 'open'
and exists (
    select from stages where stages.workspace_id = :workspace and stages.id = :table.stage_id
        and :table.last_activity_at < :now - make_interval(days => stages.rotting_days)
)
and (:table.next_task_at > :now) is not true
and (:later) is not true
-- The next task is overdue or has no date, but another one may be planned.
and (:table.next_task_id is null or not exists (
    select from tasks where tasks.workspace_id = :workspace and tasks.:link = :table.id
        and tasks.status = 'open' and tasks.deleted_at is null and tasks.due_end > :now
))

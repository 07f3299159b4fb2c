-- What users did in the period: calls, meetings and so on by their author, tasks by the user who completed them, and
-- open tasks that were due by the user to whom they are assigned.
with facts as (
    select activities.author_id as user_id, activities.occurred_at as at, activities.type as figure,
        coalesce(activities.duration_seconds, 0) as seconds
    from activities
    where activities.workspace_id = :workspace and activities.deleted_at is null
        and activities.occurred_at >= :from and activities.occurred_at < :to and (:activities)
    union all
    select tasks.completed_by, tasks.completed_at, case when tasks.completed_at > tasks.due_end then 'done_late' else 'done' end, 0
    from tasks
    where tasks.workspace_id = :workspace and tasks.deleted_at is null and tasks.status = 'done'
        and tasks.completed_at >= :from and tasks.completed_at < :to and (:tasks)
    union all
    select tasks.assignee_id, tasks.due_end, 'overdue', 0
    from tasks
    where tasks.workspace_id = :workspace and tasks.deleted_at is null and tasks.status = 'open'
        and tasks.due_end >= :from and tasks.due_end < :to and tasks.due_end < :now and (:tasks)
), tally as (
    select :group_key as key, f.figure, count(*) as count, sum(f.seconds)::bigint as seconds
    from facts f left join users u on u.workspace_id = :workspace and u.id = f.user_id
    where :of_users
    group by 1, 2
)
select :group_text as group_key, :group_label as group_label, figure, count, seconds
from tally
order by group_label nulls last, group_key, figure

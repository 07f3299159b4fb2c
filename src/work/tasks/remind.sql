-- Tells the assignees of tasks whose reminder is due, and finds the next reminder of each task. A reminder in progress by
-- another worker is skipped; the notification and the next time commit together.
with due as (
    select tasks.workspace_id, tasks.id, tasks.assignee_id, tasks.next_reminder_at, tasks.reminders, tasks.due_at, tasks.due_date,
        tasks.status = 'open' and tasks.deleted_at is null as open
    from tasks where tasks.next_reminder_at <= :now
    order by tasks.next_reminder_at limit :most for update skip locked
), told as (
    insert into notifications (workspace_id, id, user_id, kind, record_kind, record_id, once, created_at, letter)
    select due.workspace_id, gen_random_uuid(), due.assignee_id, 'reminder', 'task', due.id,
        'reminder:' || due.id || ':' || extract(epoch from due.next_reminder_at), :now,
        users.notification_letters ->> 'reminder'
    from due join users on users.workspace_id = due.workspace_id and users.id = due.assignee_id and users.status = 'active'
    where due.open and not users.muted_notifications ? 'reminder'
    on conflict do nothing
)
update tasks set next_reminder_at = (
    select min(reminder.at) from (
        select coalesce((r ->> 'at')::timestamptz,
            coalesce(due.due_at, due.due_date::timestamp at time zone workspaces.time_zone) - make_interval(mins => (r ->> 'minutes_before')::int)) as at
        from jsonb_array_elements(due.reminders) r
    ) reminder where due.open and reminder.at > due.next_reminder_at
)
from due join workspaces on workspaces.id = due.workspace_id
where tasks.workspace_id = due.workspace_id and tasks.id = due.id

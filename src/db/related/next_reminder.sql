-- The first reminder that is still to come. A relative one counts from the due time, or from the beginning of an all-day
-- task's day.
update tasks set next_reminder_at = (
    select min(reminder.at) from (
        select coalesce((r ->> 'at')::timestamptz, coalesce(tasks.due_at, tasks.due_date::timestamp at time zone :zone)
            - make_interval(mins => (r ->> 'minutes_before')::int)) as at
        from jsonb_array_elements(tasks.reminders) r
    ) reminder where reminder.at > :now
)
where tasks.workspace_id = :workspace and (:which)

-- Duration, place, reminders and recurrence of tasks.
alter table tasks
    add column duration_minutes integer,
    add column place text,
    add column reminders jsonb not null default '[]',
    -- The first reminder that is still to come.
    add column next_reminder_at timestamptz(3),
    -- A rule of RFC 5545, section 3.3.10.
    add column recurrence text,
    add column recurrence_from text not null default 'due' constraint tasks_recurrence_from_check check (recurrence_from in ('due', 'completion')),
    -- Days without an instance.
    add column recurrence_exceptions jsonb not null default '[]',
    -- The first task of the series, and when it was due, in local time.
    add column series_id uuid,
    add column series_start timestamp(3),
    -- The place of the task in its series, and when the rule says that it is due, in local time.
    add column occurrence integer not null default 1,
    add column occurrence_at timestamp(3),
    -- The task that followed when this one was completed.
    add column next_instance_id uuid;
create index tasks_to_remind on tasks (next_reminder_at) where next_reminder_at is not null;
create index tasks_by_series on tasks (workspace_id, series_id) where series_id is not null;

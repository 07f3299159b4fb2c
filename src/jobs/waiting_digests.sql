-- Active users for whom notifications wait for the daily letter, with what decides when their day begins.
select users.workspace_id, users.id as user_id, coalesce(users.time_zone, workspaces.time_zone) as time_zone,
    coalesce(users.working_hours, workspaces.working_hours) as working_hours, workspaces.holidays, users.absences, users.digest_on
from (
    select distinct workspace_id, user_id from notifications
    where letter = 'daily' and letter_id is null and read_at is null
) waiting
join users on users.workspace_id = waiting.workspace_id and users.id = waiting.user_id and users.status = 'active'
join workspaces on workspaces.id = users.workspace_id

-- Queues the daily letter of a user, once a day, with all notifications that wait for it.
with claimed as (
    update users set digest_on = :today
    where workspace_id = :workspace and id = :user and (digest_on is null or digest_on < :today)
    returning gen_random_uuid() as letter_id
), queued as (
    insert into jobs (id, workspace_id, user_id, kind, lane, args, created_at, updated_at)
    select claimed.letter_id, :workspace, :user, :kind, :lane, '{}'::jsonb, :now, :now from claimed
)
update notifications set letter_id = claimed.letter_id
from claimed
where notifications.workspace_id = :workspace and notifications.user_id = :user
    and notifications.letter = 'daily' and notifications.letter_id is null and notifications.read_at is null

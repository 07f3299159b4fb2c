-- Queues a letter for each user with notifications that are to be sent at once. The letter and its notifications commit
-- together. A notification that is just being read is skipped.
with due as (
    select notifications.workspace_id, notifications.id, notifications.user_id from notifications
    where letter = 'at_once' and letter_id is null and read_at is null and created_at <= :until
    order by created_at limit :most for update skip locked
), letters as (
    select due.workspace_id, due.user_id, gen_random_uuid() as id from due group by due.workspace_id, due.user_id
), queued as (
    insert into jobs (id, workspace_id, user_id, kind, lane, args, created_at, updated_at)
    select letters.id, letters.workspace_id, letters.user_id, :kind, :lane, '{}'::jsonb, :now, :now from letters
)
update notifications set letter_id = letters.id
from due join letters on letters.workspace_id = due.workspace_id and letters.user_id = due.user_id
where notifications.workspace_id = due.workspace_id and notifications.id = due.id

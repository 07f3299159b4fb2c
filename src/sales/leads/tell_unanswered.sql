-- Tells the owners of leads that nobody has contacted within an hour of their creation. Older ones than a day are left out,
-- so that nobody gets thousands at once.
insert into notifications (workspace_id, id, user_id, kind, record_kind, record_id, once, created_at, letter)
select leads.workspace_id, gen_random_uuid(), leads.owner_id, 'unanswered', 'lead', leads.id, 'unanswered:' || leads.id, :now,
        users.notification_letters ->> 'unanswered'
from workspaces
join leads on leads.workspace_id = workspaces.id and leads.status = 'open' and leads.first_response_at is null
    and leads.deleted_at is null and leads.created_at > :now - interval '1 day' and leads.created_at <= :now - interval '1 hour'
join users on users.workspace_id = leads.workspace_id and users.id = leads.owner_id and users.status = 'active'
where not users.muted_notifications ? 'unanswered'
on conflict do nothing

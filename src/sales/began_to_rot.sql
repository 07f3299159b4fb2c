-- Tells the owners of records that began to rot within the last day. A later activity and a later rotting is another one.
insert into notifications (workspace_id, id, user_id, kind, record_kind, record_id, once, created_at, letter)
select :table.workspace_id, gen_random_uuid(), :table.owner_id, 'rotting', :kind, :table.id,
    'rotting:' || :table.id || ':' || extract(epoch from :table.last_activity_at), :now,
        users.notification_letters ->> 'rotting'
from stages stage
join :table on :table.workspace_id = stage.workspace_id and :table.stage_id = stage.id and :table.status = 'open'
    and :table.deleted_at is null
    and :table.last_activity_at <= :now - make_interval(days => stage.rotting_days)
    and :table.last_activity_at > :now - make_interval(days => stage.rotting_days + 1)
join users on users.workspace_id = :table.workspace_id and users.id = :table.owner_id and users.status = 'active'
where stage.rotting_days is not null and stage.deleted_at is null and not users.muted_notifications ? 'rotting' and (:rotting)
on conflict do nothing

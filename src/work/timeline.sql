-- One page of a record's timeline, latest first: changes and stage moves (events), activities, tasks.
-- The ids are the record and, for a deal, the leads it came from. Every branch is cut before the merge.
select * from (
    (select e.id, e.at, case when split_part(e.type, '.', 2) in ('stage_changed', 'won', 'lost', 'reopened', 'converted') then 'stage_move' else 'change' end as kind,
        e.type as type_, e.actor_id, e.record_kind, e.record_id, null::text as title, null::text as text_, e.changes
     from events e
     where e.workspace_id = :workspace and e.record_id = any(:ids) and (e.at, e.id) < (:at, :last)
     order by e.at desc, e.id desc limit :limit)
    union all
    (select a.id, a.occurred_at, 'activity', a.type, a.author_id, 'activity', a.id, a.outcome, a.text, '{}'::jsonb
     from activities a
     where a.workspace_id = :workspace and :activities_shown and (:activity_of) and a.deleted_at is null and (a.occurred_at, a.id) < (:at, :last)
     order by a.occurred_at desc, a.id desc limit :limit)
    union all
    (select t.id, coalesce(t.completed_at, t.created_at), 'task', t.type, t.assignee_id, 'task', t.id, t.title,
        coalesce(t.result, t.notes), jsonb_build_object('status', jsonb_build_array(null, t.status))
     from tasks t
     where t.workspace_id = :workspace and :tasks_shown and (:task_of) and t.deleted_at is null
        and (coalesce(t.completed_at, t.created_at), t.id) < (:at, :last)
     order by 2 desc, 1 desc limit :limit)
) merged
order by at desc, id desc
limit :limit

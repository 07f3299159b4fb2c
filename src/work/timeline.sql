-- One page of a record's timeline, latest first: changes and stage moves (events), activities, tasks and files, of the
-- record and of the records that belong to it. Each branch reads record by record and applies the limit before the
-- merge. Work that is linked to several of the records appears once.
with related as materialized (:related)
select * from (
    (select e.id, e.at, case when split_part(e.type, '.', 2) in ('stage_changed', 'won', 'lost', 'reopened', 'converted') then 'stage_move' else 'change' end as kind,
        e.type as type_, e.actor_id, e.record_kind, e.record_id, null::text as title, null::text as text_, e.changes
     from related cross join lateral (
        select * from events where events.workspace_id = :workspace and events.record_id = related.id and (events.at, events.id) < (:at, :last)
        order by events.at desc, events.id desc limit :limit
     ) e
     order by e.at desc, e.id desc limit :limit)
    union all
    (select distinct on (a.occurred_at, a.id) a.id, a.occurred_at, 'activity', a.type, a.author_id, 'activity', a.id, a.outcome, a.text, '{}'::jsonb
     from related cross join lateral (:activities) a
     where :activities_shown
     order by a.occurred_at desc, a.id desc limit :limit)
    union all
    (select distinct on (t.at, t.id) t.id, t.at, 'task', t.type, t.assignee_id, 'task', t.id, t.title,
        coalesce(t.result, t.notes), jsonb_build_object('status', jsonb_build_array(null, t.status))
     from related cross join lateral (:tasks) t
     where :tasks_shown
     order by t.at desc, t.id desc limit :limit)
    union all
    (select distinct on (f.created_at, f.id) f.id, f.created_at, 'file', f.content_type, f.author_id, 'file', f.id, f.name, null, '{}'::jsonb
     from related cross join lateral (:files) f
     where :files_shown
     order by f.created_at desc, f.id desc limit :limit)
) merged
order by at desc, id desc
limit :limit

-- One page of a record's timeline, latest first, pinned activities before all others: changes and stage moves (events),
-- activities, tasks and files, of the record and of the records that belong to it. Each branch reads record by record
-- and applies the limit before the merge. Work that is linked to several of the records appears once.
with related as materialized (:related)
select * from (
    (select e.id, e.at, case when split_part(e.type, '.', 2) = any(:move_verbs) then 'stage_move' else 'change' end as kind,
        e.type as type_, e.actor_id, e.record_kind, e.record_id, null::text as title, null::text as text_, e.changes,
        case e.record_kind when 'contact' then e.record_id end as contact_id,
        case e.record_kind when 'company' then e.record_id end as company_id,
        case e.record_kind when 'lead' then e.record_id end as lead_id,
        case e.record_kind when 'deal' then e.record_id end as deal_id, false as pinned, null::timestamptz as edited_at
     from related cross join lateral (
        select * from events where events.workspace_id = :workspace and events.record_id = related.id and (:changes)
        order by events.at desc, events.id desc limit :limit
     ) e
     order by e.at desc, e.id desc limit :limit)
    union all
    (select distinct on (a.occurred_at, a.id) a.id, a.occurred_at, 'activity', a.type, a.author_id, 'activity', a.id, a.outcome, a.text, '{}'::jsonb,
        a.contact_id, a.company_id, a.lead_id, a.deal_id, true, a.edited_at
     from related cross join lateral (:pinned) a
     where :pinned_shown
     order by a.occurred_at desc, a.id desc limit :limit)
    union all
    (select distinct on (a.occurred_at, a.id) a.id, a.occurred_at, 'activity', a.type, a.author_id, 'activity', a.id, a.outcome, a.text, '{}'::jsonb,
        a.contact_id, a.company_id, a.lead_id, a.deal_id, false, a.edited_at
     from related cross join lateral (:activities) a
     where :activities_shown
     order by a.occurred_at desc, a.id desc limit :limit)
    union all
    (select distinct on (t.at, t.id) t.id, t.at, 'task', t.type, t.assignee_id, 'task', t.id, t.title,
        coalesce(t.result, t.notes), jsonb_build_object('status', jsonb_build_array(null, t.status)),
        t.contact_id, t.company_id, t.lead_id, t.deal_id, false, null
     from related cross join lateral (:tasks) t
     where :tasks_shown
     order by t.at desc, t.id desc limit :limit)
    union all
    (select distinct on (f.created_at, f.id) f.id, f.created_at, 'file', f.content_type, f.author_id, 'file', f.id, f.name, null, '{}'::jsonb,
        f.contact_id, f.company_id, f.lead_id, f.deal_id, false, null
     from related cross join lateral (:files) f
     where :files_shown
     order by f.created_at desc, f.id desc limit :limit)
) merged
order by pinned desc, at desc, id desc
limit :limit

-- Records lost in the period, by reason and by the last open stage, which can be in another pipeline.
with picked as (
    select :records.id, :group_key as group_key, :group_label as group_label, :records.loss_reason_id, :currency as currency,
        :amount as amount
    from :records :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and :records.pipeline_id = :pipeline
        and :records.status = 'lost' and :records.closed_at >= :from and :records.closed_at < :to and (:filter)
), last_open as (
    select distinct on (sp.record_id) sp.record_id, sp.stage_id
    from stage_spans sp join stages s on s.workspace_id = sp.workspace_id and s.id = sp.stage_id
    where sp.workspace_id = :workspace and s.category = 'open' and sp.record_id in (select id from picked)
    order by sp.record_id, sp.entered_at desc, sp.left_at desc, sp.id desc
)
select p.group_key, p.group_label, p.loss_reason_id, r.name as reason, lo.stage_id, s.name as stage, s.deleted_at as stage_deleted_at,
    s.pipeline_id as stage_pipeline_id, p.currency, count(*) as count, coalesce(sum(p.amount), 0)::text as amount
from picked p
left join last_open lo on lo.record_id = p.id
left join loss_reasons r on r.workspace_id = :workspace and r.id = p.loss_reason_id
left join stages s on s.workspace_id = :workspace and s.id = lo.stage_id
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, s.position
order by p.group_label nulls last, p.group_key, r.name nulls last, p.loss_reason_id, s.position nulls last, lo.stage_id, p.currency

-- Deals lost in the period, by reason and by the open stage from which they were lost.
with last_open as (
    select distinct on (sp.record_id) sp.record_id, sp.stage_id
    from stage_spans sp join stages s on s.workspace_id = sp.workspace_id and s.id = sp.stage_id
    where sp.workspace_id = :workspace and sp.pipeline_id = :pipeline and s.category = 'open'
    order by sp.record_id, sp.entered_at desc, sp.id desc
), picked as (
    select :group_key as group_key, :group_label as group_label, :records.loss_reason_id, :currency as currency,
        coalesce(round(:value * :share), 0)::bigint as amount,
        lo.stage_id
    from :records left join last_open lo on lo.record_id = :records.id :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and :records.pipeline_id = :pipeline
        and :records.status = 'lost' and :records.closed_at >= :from and :records.closed_at < :to and (:filter)
)
select p.group_key, p.group_label, p.loss_reason_id, r.name as reason, p.stage_id, s.name as stage, p.currency,
    count(*) as count, as_amount(sum(p.amount)) as amount
from picked p
left join loss_reasons r on r.workspace_id = :workspace and r.id = p.loss_reason_id
left join stages s on s.workspace_id = :workspace and s.id = p.stage_id
group by 1, 2, 3, 4, 5, 6, 7, s.position
order by p.group_label nulls last, p.group_key, r.name nulls last, p.loss_reason_id, s.position nulls last, p.currency

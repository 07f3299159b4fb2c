-- Records lost in the period, by reason and by the last open stage, which can be in another pipeline.
with tally as (
    select :group_key as key, :records.loss_reason_id, :records.last_open_stage_id as stage_id, :currency as currency,
        count(*) as count, coalesce(sum(:amount), 0) as amount
    from :records :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and :records.pipeline_id = :pipeline
        and :records.status = 'lost' and :records.closed_at >= :from and :records.closed_at < :to and (:filter)
    group by 1, 2, 3, 4
)
select :group_text as group_key, :group_label as group_label, t.loss_reason_id, r.name as reason, t.stage_id, s.name as stage,
    s.deleted_at as stage_deleted_at, s.pipeline_id as stage_pipeline_id, t.currency, t.count, t.amount::text as amount
from tally t
left join loss_reasons r on r.workspace_id = :workspace and r.id = t.loss_reason_id
left join stages s on s.workspace_id = :workspace and s.id = t.stage_id
order by group_label nulls last, group_key, r.name nulls last, t.loss_reason_id, s.position nulls last, t.stage_id, t.currency

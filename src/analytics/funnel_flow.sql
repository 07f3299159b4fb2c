-- Distinct records that entered each stage in the period: the spans whose record did not enter the same stage before
-- in the period. And of the stays that ended in the period, how many ended with a move forward (see
-- `follow_stage_spans` in the migrations).
with moves as (
    select record_id, stage_id, 1 as entered,
        (pipeline_entered_before is null or pipeline_entered_before < :from)::int as first, 0 as gone, 0 as gone_on
    from stage_spans
    where workspace_id = :workspace and pipeline_id = :pipeline and entered_at >= :from and entered_at < :to
        and (stage_entered_before is null or stage_entered_before < :from)
    union all
    select record_id, stage_id, 0, 0, 1, left_forward::int
    from stage_spans
    where workspace_id = :workspace and pipeline_id = :pipeline and left_at >= :from and left_at < :to
), tally as (
    select :group_key as key, m.stage_id, :records.status, :currency as currency, sum(m.first)::bigint as first,
        sum(m.entered)::bigint as entered, coalesce(sum(:amount) filter (where m.entered = 1), 0) as amount,
        sum(m.gone)::bigint as gone, sum(m.gone_on)::bigint as gone_on
    from moves m
    join :records on :records.workspace_id = :workspace and :records.id = m.record_id
    :group_join
    where :records.deleted_at is null and (:filter)
    group by 1, 2, 3, 4
), sums as (
    select key, stage_id, currency, sum(entered)::bigint as entered, sum(amount) as amount, sum(gone)::bigint as gone,
        sum(gone_on)::bigint as gone_on
    from tally group by 1, 2, 3
), totals as (
    select key, sum(first)::bigint as total, coalesce(sum(first) filter (where status = 'open'), 0)::bigint as open,
        coalesce(sum(first) filter (where status = 'won'), 0)::bigint as won,
        coalesce(sum(first) filter (where status = 'lost'), 0)::bigint as lost
    from tally group by 1
), named as (
    select key, :group_text as group_key, :group_label as group_label, total, open, won, lost from totals
)
select t.group_key, t.group_label, t.total, t.open, t.won, t.lost, s.id as stage_id, c.currency,
    coalesce(c.entered, 0) as reached, coalesce(c.amount, 0)::text as amount, coalesce(c.gone, 0) as gone,
    coalesce(c.gone_on, 0) as gone_on
from named t
cross join stages s
left join sums c on c.stage_id = s.id and c.key is not distinct from t.key
where s.workspace_id = :workspace and s.pipeline_id = :pipeline
order by t.group_label nulls last, t.group_key, s.position, s.id, c.currency

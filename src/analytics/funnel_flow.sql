-- Distinct records that entered each stage in the period; and of those that left it, how many went forward: to a
-- later stage of the same pipeline, in the stage order at the time of the move. If that order lacks the stage that
-- they left, the order at the time of entering is used. Moves because a stage was deleted (without an order) and
-- moves between closed stages do not count as forward.
with picked as (
    select :records.id, :records.status, :group_key as group_key, :group_label as group_label,
        :currency as currency, :amount as amount
    from :records :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and (:filter)
), moved as (
    select record_id from stage_spans
    where workspace_id = :workspace and pipeline_id = :pipeline and entered_at >= :from and entered_at < :to
    union
    select record_id from stage_spans
    where workspace_id = :workspace and pipeline_id = :pipeline and left_at >= :from and left_at < :to
), places as (
    select o.id as order_id, slot.rank, slot.stage_id
    from stage_orders o cross join lateral unnest(o.stage_ids) with ordinality slot (stage_id, rank)
    where o.workspace_id = :workspace and o.pipeline_id = :pipeline
), spans as (
    select record_id, pipeline_id, stage_id, order_id, entered_at, left_at,
        lead(stage_id) over w as next_stage_id, lead(order_id) over w as next_order_id, lead(pipeline_id) over w as next_pipeline_id
    from stage_spans
    where workspace_id = :workspace and record_id in (select record_id from moved)
    window w as (partition by record_id order by entered_at, left_at nulls last, id)
), steps as (
    select sp.record_id, sp.stage_id, sp.entered_at, sp.left_at,
        sp.next_pipeline_id = sp.pipeline_id and sp.next_order_id is not null and n.category <> 'lost' and own.category = 'open'
            and coalesce(then_to.rank > then_from.rank, own_to.rank > own_from.rank) as forward
    from spans sp
    join stages own on own.workspace_id = :workspace and own.id = sp.stage_id
    left join stages n on n.workspace_id = :workspace and n.id = sp.next_stage_id
    left join places then_from on then_from.order_id = sp.next_order_id and then_from.stage_id = sp.stage_id
    left join places then_to on then_to.order_id = sp.next_order_id and then_to.stage_id = sp.next_stage_id
    left join places own_from on own_from.order_id = sp.order_id and own_from.stage_id = sp.stage_id
    left join places own_to on own_to.order_id = sp.order_id and own_to.stage_id = sp.next_stage_id
    where sp.pipeline_id = :pipeline
), moves as (
    select p.group_key, p.group_label, sp.stage_id, p.id, p.currency, p.amount, p.status,
        bool_or(sp.entered_at >= :from and sp.entered_at < :to) as entered,
        count(*) filter (where sp.left_at >= :from and sp.left_at < :to) as gone,
        count(*) filter (where sp.left_at >= :from and sp.left_at < :to and sp.forward) as gone_on
    from picked p join steps sp on sp.record_id = p.id
    where (sp.entered_at >= :from and sp.entered_at < :to) or (sp.left_at >= :from and sp.left_at < :to)
    group by 1, 2, 3, 4, 5, 6, 7
), total as (
    select group_key, group_label, count(distinct id) filter (where entered) as total,
        count(distinct id) filter (where entered and status = 'open') as open,
        count(distinct id) filter (where entered and status = 'won') as won,
        count(distinct id) filter (where entered and status = 'lost') as lost
    from moves group by 1, 2
), tally as (
    select group_key, stage_id, currency, count(*) filter (where entered) as reached, sum(amount) filter (where entered) as amount,
        sum(gone) as gone, sum(gone_on) as gone_on
    from moves group by 1, 2, 3
)
select t.group_key, t.group_label, t.total, t.open, t.won, t.lost, s.id as stage_id, y.currency,
    coalesce(sum(y.reached), 0)::bigint as reached, coalesce(sum(y.amount), 0)::text as amount,
    coalesce(sum(y.gone), 0)::bigint as gone, coalesce(sum(y.gone_on), 0)::bigint as gone_on
from total t
cross join stages s
left join tally y on y.stage_id = s.id and y.group_key is not distinct from t.group_key
where s.workspace_id = :workspace and s.pipeline_id = :pipeline
group by t.group_key, t.group_label, t.total, t.open, t.won, t.lost, s.id, s.position, y.currency
order by t.group_label nulls last, t.group_key, s.position

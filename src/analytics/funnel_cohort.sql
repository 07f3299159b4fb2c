-- Records created in the period. A record has reached an open stage if it was ever in it or in a later stage, in the
-- stage order at the time of the move. It has reached a won stage if it was ever in it: won and lost stages are
-- alternatives, so none counts as passed.
with picked as (
    select :records.id, :records.status, :records.stage_id, :group_key as group_key, :group_label as group_label,
        :currency as currency, :amount as amount
    from :records :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and :records.pipeline_id = :pipeline
        and :records.created_at >= :from and :records.created_at < :to and (:filter)
), places as (
    -- Numbers each stage at its rank in each order; the numbers grow with the rank. A span without an order refers to
    -- its stage only.
    select row_number() over (order by order_id, rank) as place, order_id, rank, stage_id
    from (
        select o.id as order_id, slot.rank, slot.stage_id
        from stage_orders o cross join lateral unnest(o.stage_ids) with ordinality slot (stage_id, rank)
        where o.workspace_id = :workspace and o.pipeline_id = :pipeline
        union all
        select id, 1, id from stages where workspace_id = :workspace and pipeline_id = :pipeline
    ) ranked
), furthest as (
    select sp.record_id, p.order_id, max(p.place) as place
    from stage_spans sp
    join stages s on s.workspace_id = sp.workspace_id and s.id = sp.stage_id
    join places p on p.order_id = coalesce(sp.order_id, sp.stage_id) and p.stage_id = sp.stage_id
    where sp.workspace_id = :workspace and sp.pipeline_id = :pipeline and s.category <> 'lost'
        and sp.record_id in (select id from picked)
    group by 1, 2, case when s.category = 'won' then s.id end
), ways as (
    select record_id, array_agg(distinct place order by place) as way from furthest group by 1
), tally as (
    select p.group_key, p.group_label, p.status, p.stage_id, w.way, p.currency, count(*) as count, coalesce(sum(p.amount), 0) as amount
    from picked p left join ways w on w.record_id = p.id
    group by 1, 2, 3, 4, 5, 6
), reached as (
    select distinct w.way, passed.stage_id
    from (select distinct way from tally) w
    cross join lateral unnest(w.way) as far (place)
    join places p on p.place = far.place
    join places passed on passed.order_id = p.order_id and passed.rank <= p.rank
    join stages s on s.workspace_id = :workspace and s.id = passed.stage_id and (s.category = 'open' or s.id = p.stage_id)
), counted as (
    select y.group_key, r.stage_id, y.currency, y.count, y.amount
    from tally y join reached r on r.way = y.way
    join stages s on s.workspace_id = :workspace and s.id = r.stage_id
    where s.category <> 'lost'
    union all
    select group_key, stage_id, currency, count, amount from tally where status = 'lost'
), total as (
    select group_key, group_label, sum(count)::bigint as total, coalesce(sum(count) filter (where status = 'open'), 0)::bigint as open,
        coalesce(sum(count) filter (where status = 'won'), 0)::bigint as won,
        coalesce(sum(count) filter (where status = 'lost'), 0)::bigint as lost
    from tally group by 1, 2
)
select t.group_key, t.group_label, t.total, t.open, t.won, t.lost, s.id as stage_id, c.currency,
    coalesce(sum(c.count), 0)::bigint as reached, coalesce(sum(c.amount), 0)::text as amount, 0::bigint as gone, 0::bigint as gone_on
from total t
cross join stages s
left join counted c on c.stage_id = s.id and c.group_key is not distinct from t.group_key
where s.workspace_id = :workspace and s.pipeline_id = :pipeline
group by t.group_key, t.group_label, t.total, t.open, t.won, t.lost, s.id, s.position, c.currency
order by t.group_label nulls last, t.group_key, s.position

-- Records created in the period. A record has reached an open stage if it was ever in it or in a later stage, in the
-- stage order at the time of the move. It has reached a won stage if it was ever in it: won and lost stages are
-- alternatives, so none counts as passed. The path of a record lists the stages that it has reached.
with tally as (
    select :group_key as key, :records.status, :records.stage_id, :records.stage_path_id, :currency as currency,
        count(*) as count, coalesce(sum(:amount), 0) as amount
    from :records :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and :records.pipeline_id = :pipeline
        and :records.created_at >= :from and :records.created_at < :to and (:filter)
    group by 1, 2, 3, 4, 5
), counted as (
    select t.key, s.id as stage_id, t.currency, t.count, t.amount
    from tally t
    join stage_paths p on p.workspace_id = :workspace and p.id = t.stage_path_id
    join stages s on s.workspace_id = :workspace and s.pipeline_id = :pipeline and s.id = any (p.stage_ids)
    union all
    select key, stage_id, currency, count, amount from tally where status = 'lost'
), sums as (
    select key, stage_id, currency, sum(count)::bigint as count, sum(amount) as amount from counted group by 1, 2, 3
), totals as (
    select key, sum(count)::bigint as total, coalesce(sum(count) filter (where status = 'open'), 0)::bigint as open,
        coalesce(sum(count) filter (where status = 'won'), 0)::bigint as won,
        coalesce(sum(count) filter (where status = 'lost'), 0)::bigint as lost
    from tally group by 1
), named as (
    select key, :group_text as group_key, :group_label as group_label, total, open, won, lost from totals
)
select t.group_key, t.group_label, t.total, t.open, t.won, t.lost, s.id as stage_id, c.currency,
    coalesce(c.count, 0) as reached, coalesce(c.amount, 0)::text as amount, 0::bigint as gone, 0::bigint as gone_on
from named t
cross join stages s
left join sums c on c.stage_id = s.id and c.key is not distinct from t.key
where s.workspace_id = :workspace and s.pipeline_id = :pipeline
order by t.group_label nulls last, t.group_key, s.position, s.id, c.currency

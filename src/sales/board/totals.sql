-- The count and sums of each stage by currency. A sum above the largest amount is null.
select total.stage_id, total.currency, total.count,
    case when abs(total.amount) <= :most then total.amount::bigint end as amount,
    case when abs(total.weighted) <= :most::numeric * 100 then round(total.weighted / 100)::bigint end as weighted
from (
    select stage.id as stage_id, :currency as currency, count(*) as count, sum(:amount) as amount, sum(:amount * :probability) as weighted
    from unnest(:stages::uuid[], :percents::int[]) stage (id, percent)
    join :table on :table.workspace_id = :workspace and :table.pipeline_id = :pipeline and :table.stage_id = stage.id
    where :table.deleted_at is null and (:seen) and (:filter)
    group by 1, 2
) total
order by total.stage_id, total.currency

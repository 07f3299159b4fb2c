-- Open deals by the month of their expected close date. Deals that should have closed before today have their own
-- bucket. Weighted values keep their fractions until the sum of a bucket is rounded, first to fourteen digits so that
-- thirds add up to a whole.
with picked as (
    select :group_key as group_key, :group_label as group_label, :records.forecast_category as category,
        :currency as currency, :amount as amount, :weighted as weighted,
        case when :records.expected_close_date is null then 'no_date'
            when :records.expected_close_date < :today then 'overdue'
            else to_char(:records.expected_close_date, 'YYYY-MM') end as bucket
    from :records
    join stages s on s.workspace_id = :records.workspace_id and s.id = :records.stage_id
    :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and :records.pipeline_id = :pipeline
        and :records.status = 'open' and :records.forecast_category <> 'omitted' and (:filter)
        and (:records.expected_close_date is null or :records.expected_close_date < :today
            or (:records.expected_close_date >= :first_day and :records.expected_close_date < :day_after))
)
select group_key, group_label, bucket, currency, count(*) as count, count(*) filter (where amount is null) as no_amount,
    coalesce(sum(amount), 0)::text as amount, coalesce(round(round(sum(weighted), 14)), 0)::text as weighted,
    coalesce(sum(amount) filter (where category = 'commit'), 0)::text as committed,
    coalesce(sum(amount) filter (where category in ('commit', 'best_case')), 0)::text as best_case
from picked
group by 1, 2, 3, 4
order by group_label nulls last, group_key, bucket, currency

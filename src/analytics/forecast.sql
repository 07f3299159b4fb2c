-- Open deals by the month of their expected close date. Deals that should have closed before today have their own
-- bucket. Weighted values keep their fractions until the sum of a bucket is rounded, first to fourteen digits so that
-- thirds add up to a whole.
with tally as (
    select :group_key as key, :currency as currency,
        case when :records.expected_close_date is null then date '9999-12-31'
            when :records.expected_close_date < :today then date '0001-01-01'
            else date_trunc('month', :records.expected_close_date::timestamp)::date end as bucket,
        count(*) as count, count(*) filter (where :amount is null) as no_amount, coalesce(sum(:amount), 0) as amount,
        coalesce(sum(:weighted), 0) as weighted,
        coalesce(sum(:amount) filter (where :records.forecast_category = 'commit'), 0) as committed,
        coalesce(sum(:amount) filter (where :records.forecast_category in ('commit', 'best_case')), 0) as best_case
    from :records
    join stages s on s.workspace_id = :records.workspace_id and s.id = :records.stage_id
    :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and :records.pipeline_id = :pipeline
        and :records.status = 'open' and :records.forecast_category <> 'omitted' and (:filter)
        and (:records.expected_close_date is null or :records.expected_close_date < :today
            or (:records.expected_close_date >= :first_day and :records.expected_close_date < :day_after))
    group by 1, 2, 3
)
select :group_text as group_key, :group_label as group_label,
    case bucket when date '9999-12-31' then 'no_date' when date '0001-01-01' then 'overdue' else to_char(bucket, 'YYYY-MM') end as bucket,
    currency, count, no_amount, amount::text as amount, round(round(weighted / 100.00, 14))::text as weighted,
    committed::text as committed, best_case::text as best_case
from tally
order by group_label nulls last, group_key, bucket, currency

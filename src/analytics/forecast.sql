-- Open deals by the month in which they are expected to close. What should have closed before today is a bucket of its own.
with picked as (
    select :group_key as group_key, :group_label as group_label, :records.forecast_category as category,
        :currency as currency, round(:value * :share)::bigint as amount,
        coalesce(:records.probability_percent, s.probability_percent) as probability,
        case when :records.expected_close_date is null then 'no_date'
            when :records.expected_close_date < :today then 'overdue'
            else to_char(:records.expected_close_date, 'YYYY-MM') end as bucket
    from :records
    join stages s on s.workspace_id = :records.workspace_id and s.id = :records.stage_id
    :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and :records.pipeline_id = :pipeline
        and :records.status = 'open' and :records.forecast_category <> 'omitted' and (:filter)
        and (:records.expected_close_date is null or :records.expected_close_date < :today
            or (:records.expected_close_date >= (:from at time zone :zone)::date and :records.expected_close_date < (:to at time zone :zone)::date))
)
select group_key, group_label, bucket, currency, count(*) as count, count(*) filter (where amount is null) as no_amount,
    as_amount(coalesce(sum(amount), 0)) as amount, as_amount(coalesce(round(sum(amount * probability / 100.0)), 0)) as weighted,
    as_amount(coalesce(sum(amount) filter (where category = 'commit'), 0)) as committed,
    as_amount(coalesce(sum(amount) filter (where category in ('commit', 'best_case')), 0)) as best_case
from picked
group by 1, 2, 3, 4
order by group_label nulls last, group_key, bucket, currency

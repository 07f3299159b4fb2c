-- Records closed in the period, by group and currency.
with tally as (
    select :group_key as key, :currency as currency,
        count(*) filter (where :records.status = 'won') as won, count(*) filter (where :records.status = 'lost') as lost,
        count(*) filter (where :amount is null) as no_amount, coalesce(bool_or(:amount < 0), false) as negative,
        coalesce(sum(:amount) filter (where :records.status = 'won'), 0) as won_amount,
        coalesce(sum(:amount) filter (where :records.status = 'lost'), 0) as lost_amount
    from :records :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and :records.pipeline_id = :pipeline
        and :records.closed_at >= :from and :records.closed_at < :to and (:filter)
    group by 1, 2
)
select :group_text as group_key, :group_label as group_label, currency, won, lost, no_amount, negative,
    won_amount::text as won_amount, lost_amount::text as lost_amount
from tally
order by group_label nulls last, group_key, currency

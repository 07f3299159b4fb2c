-- Open deals, and those closed in the period, by group and currency.
with tally as (
    select :group_key as key, :currency as currency, count(*) filter (where :records.status = 'open') as open,
        count(*) filter (where :records.status = 'won') as won, count(*) filter (where :records.status = 'lost') as lost,
        count(:amount) filter (where :records.status = 'won') as with_amount,
        coalesce(sum(:amount) filter (where :records.status = 'won'), 0) as amount,
        count(*) filter (where :records.status = 'won' and not :records.without_beginning) as timed,
        coalesce(sum(extract(epoch from :records.closed_at - :records.created_at)::float8 / 86400)
            filter (where :records.status = 'won' and not :records.without_beginning), 0) as days
    from :records :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and :records.pipeline_id = :pipeline
        and (:records.status = 'open' or (:records.closed_at >= :from and :records.closed_at < :to)) and (:filter)
    group by 1, 2
)
select :group_text as group_key, :group_label as group_label, currency, open, won, lost, with_amount, amount::text as amount,
    timed, days
from tally
order by group_label nulls last, group_key, currency

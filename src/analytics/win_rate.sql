-- Records closed in the period, by group and currency.
with picked as (
    select :records.status, :group_key as group_key, :group_label as group_label, :currency as currency, :amount as amount
    from :records :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and :records.pipeline_id = :pipeline
        and :records.status <> 'open' and :records.closed_at >= :from and :records.closed_at < :to and (:filter)
)
select group_key, group_label, currency, count(*) filter (where status = 'won') as won, count(*) filter (where status = 'lost') as lost,
    count(*) filter (where amount is null) as no_amount, coalesce(bool_or(amount < 0), false) as negative,
    coalesce(sum(amount) filter (where status = 'won'), 0)::text as won_amount,
    coalesce(sum(amount) filter (where status = 'lost'), 0)::text as lost_amount
from picked
group by 1, 2, 3
order by group_label nulls last, group_key, currency

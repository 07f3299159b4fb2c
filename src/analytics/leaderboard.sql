-- Deals closed in the period, by seller and product. A deal of several products counts for each, with its share of the value.
with picked as (
    select :records.owner_id, (:group_key)::uuid as product_id, :group_label as product, :records.status, :currency as currency,
        coalesce(round(:value * :share), 0)::bigint as amount,
        (extract(epoch from :records.closed_at - :records.created_at) / 86400)::float8 as days
    from :records :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and :records.pipeline_id = :pipeline
        and :records.status <> 'open' and :records.closed_at >= :from and :records.closed_at < :to and (:filter)
)
select p.owner_id, u.name as owner, p.product_id, p.product, p.currency,
    count(*) filter (where p.status = 'won') as won, count(*) filter (where p.status = 'lost') as lost,
    as_amount(coalesce(sum(amount) filter (where p.status = 'won'), 0)) as amount,
    coalesce(sum(days) filter (where p.status = 'won'), 0) as days
from picked p
left join users u on u.workspace_id = :workspace and u.id = p.owner_id
group by 1, 2, 3, 4, 5
order by u.name nulls last, p.owner_id, p.product nulls last, p.product_id, p.currency

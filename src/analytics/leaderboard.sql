-- Deals closed in the period, by seller and product. The seller is the owner at the time of closing. A deal with
-- several products counts for each, with its share of the value.
with picked as (
    select :records.closed_by_id as seller_id, (:group_key)::uuid as product_id, :group_label as product, :records.status,
        :currency as currency, :amount as amount, :records.without_beginning,
        (extract(epoch from :records.closed_at - :records.created_at) / 86400)::float8 as days
    from :records :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and :records.pipeline_id = :pipeline
        and :records.status <> 'open' and :records.closed_at >= :from and :records.closed_at < :to and (:filter)
)
select p.seller_id, u.name as seller, p.product_id, p.product, p.currency,
    count(*) filter (where p.status = 'won') as won, count(*) filter (where p.status = 'lost') as lost,
    count(*) filter (where p.status = 'won' and not p.without_beginning) as timed,
    coalesce(sum(amount) filter (where p.status = 'won'), 0)::text as amount,
    coalesce(sum(days) filter (where p.status = 'won' and not p.without_beginning), 0) as days
from picked p
left join users u on u.workspace_id = :workspace and u.id = p.seller_id
group by 1, 2, 3, 4, 5
order by u.name nulls last, p.seller_id, p.product nulls last, p.product_id, p.currency

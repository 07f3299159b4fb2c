-- Deals closed in the period, by seller and product. The seller is the owner at the time of closing. A deal with
-- several products counts for each, with its share of the value.
with tally as (
    select :records.closed_by_id as seller_id, (:group_key)::uuid as key, :currency as currency,
        count(*) filter (where :records.status = 'won') as won, count(*) filter (where :records.status = 'lost') as lost,
        count(*) filter (where :records.status = 'won' and not :records.without_beginning) as timed,
        coalesce(sum(:amount) filter (where :records.status = 'won'), 0) as amount,
        coalesce(sum(extract(epoch from :records.closed_at - :records.created_at)::float8 / 86400)
            filter (where :records.status = 'won' and not :records.without_beginning), 0) as days
    from :records :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and :records.pipeline_id = :pipeline
        and :records.closed_at >= :from and :records.closed_at < :to and (:filter)
    group by 1, 2, 3
), named as (
    select *, :group_label as product from tally
)
select n.seller_id, u.name as seller, n.key as product_id, n.product, n.currency, n.won, n.lost, n.timed,
    n.amount::text as amount, n.days
from named n
left join users u on u.workspace_id = :workspace and u.id = n.seller_id
order by u.name nulls last, n.seller_id, n.product nulls last, n.key, n.currency

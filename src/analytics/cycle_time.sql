-- Days from creation to closing of the records closed in the period, by outcome. The creation time of some records is
-- unknown.
with picked as (
    select :group_key as group_key, :group_label as group_label, :records.status, :records.without_beginning,
        (extract(epoch from :records.closed_at - :records.created_at) / 86400)::float8 as days
    from :records :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and :records.pipeline_id = :pipeline
        and :records.status <> 'open' and :records.closed_at >= :from and :records.closed_at < :to and (:filter)
)
select group_key, group_label, status as what, count(*) filter (where not without_beginning) as count,
    count(*) filter (where without_beginning) as without_beginning, avg(days) filter (where not without_beginning) as mean,
    percentile_cont(0.5) within group (order by days) filter (where not without_beginning) as median,
    percentile_cont(0.75) within group (order by days) filter (where not without_beginning) as p75
from picked
group by 1, 2, 3
order by group_label nulls last, group_key, what desc

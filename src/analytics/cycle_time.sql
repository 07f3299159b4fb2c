-- Days from creation to closing of the records closed in the period, by outcome. The creation time of some records is
-- unknown.
with picked as (
    select :group_key as key, :records.status, :records.without_beginning,
        extract(epoch from :records.closed_at - :records.created_at)::float8 / 86400 as days
    from :records :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and :records.pipeline_id = :pipeline
        and :records.closed_at >= :from and :records.closed_at < :to and (:filter)
), figures as (
    select key, status as what, count(*) filter (where not without_beginning) as count,
        count(*) filter (where without_beginning) as without_beginning, avg(days) filter (where not without_beginning) as mean,
        percentile_cont(array[0.5, 0.75]) within group (order by days) filter (where not without_beginning) as parts
    from picked
    group by 1, 2
)
select :group_text as group_key, :group_label as group_label, what, count, without_beginning, mean, parts[1] as median,
    parts[2] as p75
from figures
order by group_label nulls last, group_key, what desc

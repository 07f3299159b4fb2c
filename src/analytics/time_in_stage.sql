-- Days of the stays that ended in the period, by stage. Stays whose beginning or end is unknown are excluded.
with picked as (
    select :group_key as key, sp.stage_id, extract(epoch from sp.left_at - sp.entered_at)::float8 / 86400 as days
    from stage_spans sp
    join :records on :records.workspace_id = sp.workspace_id and :records.id = sp.record_id
    :group_join
    where sp.workspace_id = :workspace and sp.pipeline_id = :pipeline and sp.left_at >= :from and sp.left_at < :to
        and :records.deleted_at is null and (:filter) and not sp.length_unknown
        and not (:records.without_beginning and sp.entered_at = :records.created_at and sp.left_at = sp.entered_at)
), figures as (
    select key, stage_id, count(*) as count, avg(days) as mean,
        percentile_cont(array[0.5, 0.75]) within group (order by days) as parts
    from picked
    group by 1, 2
)
select :group_text as group_key, :group_label as group_label, stage_id::text as what, count, 0::bigint as without_beginning,
    mean, parts[1] as median, parts[2] as p75
from figures

-- How long the leads created in the period waited for their first response. A working time is the number of working
-- seconds until one instant minus those until another: `begins`, `ends` and `before` describe the working times in
-- order and the seconds before each.
with hours as materialized (
    select array_agg(begins order by begins) as begins, array_agg(ends order by begins) as ends,
        array_agg(before order by begins) as before
    from (
        select begins, ends, coalesce(sum(extract(epoch from ends - begins)) over (
            order by begins rows between unbounded preceding and 1 preceding), 0)::float8 as before
        from unnest(:begins, :ends) slot (begins, ends)
    ) slots
), waits as (
    select :group_key as key, leads.status, leads.first_response_at,
        extract(epoch from leads.first_response_at - leads.created_at)::float8 as elapsed,
        case when leads.first_response_at is not null then
            coalesce(h.before[answered.n] + extract(epoch from least(leads.first_response_at, h.ends[answered.n]) - h.begins[answered.n])::float8, 0)
            - coalesce(h.before[created.n] + extract(epoch from least(leads.created_at, h.ends[created.n]) - h.begins[created.n])::float8, 0)
        end as working
    from leads :group_join
    cross join hours h
    cross join lateral (select width_bucket(leads.created_at, h.begins) as n) created
    cross join lateral (select width_bucket(leads.first_response_at, h.begins) as n) answered
    where leads.workspace_id = :workspace and leads.deleted_at is null and leads.pipeline_id = :pipeline
        and leads.created_at >= :from and leads.created_at < :to and (:filter)
), figures as (
    select key, count(*) as leads, count(first_response_at) as answered,
        count(*) filter (where first_response_at is null and status = 'open') as waiting,
        count(*) filter (where working <= :target) as within_target,
        avg(elapsed) as mean, percentile_cont(array[0.5, 0.9]) within group (order by elapsed) as elapsed,
        avg(working) as working_mean, percentile_cont(array[0.5, 0.9]) within group (order by working) as working
    from waits
    group by 1
)
select :group_text as group_key, :group_label as group_label, leads, answered, waiting, within_target, mean,
    elapsed[1] as median, elapsed[2] as p90, working_mean, working[1] as working_median, working[2] as working_p90
from figures
order by group_label nulls last, group_key

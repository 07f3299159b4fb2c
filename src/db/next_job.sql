-- The next job in some lanes. Workspaces with fewer running jobs come first, then the workspace that was served longest
-- ago. Within a workspace, new jobs come before postponed ones, and for the kinds `in_order` earlier jobs before later
-- ones.
with recursive waiting as (
    (select workspace_id from jobs where status in ('queued', 'running') order by workspace_id limit 1)
    union all
    select (
        select next.workspace_id from jobs next
        where next.status in ('queued', 'running') and next.workspace_id > waiting.workspace_id
        order by next.workspace_id limit 1
    )
    from waiting where waiting.workspace_id is not null
)
select job.id
from waiting
cross join unnest(:lanes) as lanes (lane)
cross join lateral (
    select id, created_at from jobs
    where jobs.workspace_id = waiting.workspace_id and jobs.lane = lanes.lane and jobs.status in ('queued', 'running')
        and (jobs.lease_until is null or jobs.lease_until < :now)
        and not (jobs.kind = any(:in_order) and exists (
            select from jobs earlier
            where earlier.workspace_id = jobs.workspace_id and earlier.lane = jobs.lane and earlier.kind = jobs.kind
                and earlier.status in ('queued', 'running') and (earlier.created_at, earlier.id) < (jobs.created_at, jobs.id)
        ))
    order by jobs.taken_at nulls first, jobs.created_at, jobs.id
    limit 1
) job
cross join lateral (
    select count(*) as jobs from jobs
    where jobs.workspace_id = waiting.workspace_id and jobs.lane = lanes.lane and jobs.status = 'running' and jobs.lease_until >= :now
) held
cross join lateral (
    select max(taken_at) as at from jobs where jobs.workspace_id = waiting.workspace_id and jobs.lane = lanes.lane
) last
where held.jobs < :share
order by held.jobs, last.at nulls first, job.created_at, job.id
limit 1

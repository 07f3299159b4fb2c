-- The highest event number. The last event of each workspace is found through the index of the feed.
select coalesce(max(latest.xid), 0) as number
from workspaces
cross join lateral (
    select events.xid from events where events.workspace_id = workspaces.id order by events.xid desc, events.seq desc limit 1
) latest

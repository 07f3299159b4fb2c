-- The highest number of an event, if this PostgreSQL has not counted as far: its events came from another. The last event of each
-- workspace is looked up in the feed's index.
select max(latest.xid) as last
from workspaces
cross join lateral (
    select events.xid from events where events.workspace_id = workspaces.id order by events.xid desc, events.seq desc limit 1
) latest
having max(latest.xid) >= counted_before() + pg_current_xact_id()::text::bigint

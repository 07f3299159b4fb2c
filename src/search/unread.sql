-- Workspaces with events that their vocabulary has not read, those that have waited longest first. The first unread
-- event of each workspace is found through the index of the feed.
select workspaces.id
from workspaces
left join vocabularies read on read.workspace_id = workspaces.id
cross join lateral (
    select events.xid from events
    where events.workspace_id = workspaces.id and (events.xid, events.seq) > (coalesce(read.xid, 0), coalesce(read.seq, 0))
    order by events.xid, events.seq
    limit 1
) unread
where settled(unread.xid)
order by unread.xid
limit :limit

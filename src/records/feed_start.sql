-- The position before the first event since a time. Without such an event, the position after all settled events.
select coalesce(
    (select min(events.xid) from events where events.workspace_id = :workspace and events.at >= :since),
    counted_before() + pg_snapshot_xmin(pg_current_snapshot())::text::bigint
) - 1 as xid

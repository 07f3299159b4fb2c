-- The position before the first event of a time, or of now: what is settled by then is behind it.
select coalesce(
    (select min(events.xid) from events where events.workspace_id = :workspace and events.at >= :since),
    counted_before() + pg_snapshot_xmin(pg_current_snapshot())::text::bigint
) - 1 as xid

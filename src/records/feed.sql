-- Settled events after a position, of the kinds that the caller may read. If the caller sees only some records of a
-- kind, the result contains the events of those records. For a record that the caller no longer sees, it contains a
-- hidden event.
select id, case when shown then type else record_kind || '.hidden' end as type_, at, record_kind, record_id, record_version, actor_kind,
    case when shown then actor_id end as actor_id, request_id, case when shown then changes else '{}' end as changes, of_others, xid, seq
from (
    select events.*, (:seen) as shown, (:of_others) as of_others from events
    where workspace_id = :workspace and (xid, seq) > (:xid, :seq) and settled(xid)
        and (:record::uuid is null or record_id = :record) and (:since::timestamptz is null or at >= :since)
        and record_kind = any(:kinds)
        and (
            (cardinality(:types) = 0 or type = any(:types)) and (:seen)
            or (cardinality(:types) = 0 or record_kind || '.hidden' = any(:types)) and (:lost) and not (:seen)
        )
    order by xid, seq limit :limit
) visible
order by xid, seq

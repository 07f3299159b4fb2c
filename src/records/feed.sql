-- Settled events after a position, of the kinds that the caller may read. A caller whose sight of a kind ends somewhere sees the
-- events of the records within it.
select id, type as type_, at, record_kind, record_id, record_version, actor_kind, actor_id, request_id, changes, xid, seq
from events
where workspace_id = :workspace and (xid, seq) > (:xid, :seq) and settled(xid)
    and (cardinality(:types) = 0 or type = any(:types)) and (:record::uuid is null or record_id = :record)
    and record_kind = any(:kinds) and (:seen)
order by xid, seq limit :limit

-- Settled events after a position. A caller whose sight of a kind ends somewhere sees the events of the records within it.
select id, type as type_, at, record_kind, record_id, actor_kind, actor_id, request_id, changes, xid, seq
from events
where workspace_id = :workspace and (xid, seq) > (:xid, :seq) and settled(xid)
    and (cardinality(:types) = 0 or type = any(:types)) and (:record::uuid is null or record_id = :record)
    and (:seen)
order by xid, seq limit :limit

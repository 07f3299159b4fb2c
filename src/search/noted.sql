-- Events of a workspace after a position.
select record_kind, record_id, xid, seq from events
where workspace_id = :workspace and (xid, seq) > (:xid, :seq) :order
limit :limit

-- One page of the changes of a record, latest first.
select id, at, type as type_, record_version, actor_kind, actor_id, api_key_id, job_id, redacted_at, changes
from events
where workspace_id = :workspace and record_id = :record and record_kind = :kind and (at, id) < (:at, :last)
    and (:since::timestamptz is null or at >= :since)
    and (cardinality(:fields::text[]) = 0 or changes ?| :fields)
    and (cardinality(:actors::uuid[]) = 0 or actor_id = any(:actors))
order by at desc, id desc
limit :limit

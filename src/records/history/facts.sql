-- When a record began, whether it was deleted at an instant, and whether changes until or after it were removed.
select
    min(at) filter (where type = :kind || '.created') as created_at,
    coalesce(bool_or(redacted_at is not null and at <= :at), false) as redacted_until,
    coalesce(bool_or(redacted_at is not null and at > :at), false) as redacted_after,
    coalesce((array_agg(type = :kind || '.restored' order by at desc, id desc)
        filter (where at <= :at and type in (:kind || '.deleted', :kind || '.restored')))[1] = false, false) as deleted
from events
where workspace_id = :workspace and record_id = :record and record_kind = :kind

-- Notes the records of a chunk, and the tags that it added to the list of tags.
with made as (
    select id from tags
    where workspace_id = :workspace and created_at >= :since and tag_key(name) = any(tag_keys(:words))
)
insert into import_records (workspace_id, import_id, kind, record_id, version, created)
select :workspace, :import, new.kind, new.record_id, new.version::bigint, new.created::boolean
from unnest(:kinds, :records, :versions, :created) new (kind, record_id, version, created)
union all
select :workspace, :import, 'tag', made.id, 1, true from made
on conflict do nothing

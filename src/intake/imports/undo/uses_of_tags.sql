-- The tags that records have.
select t.id from tags t
where t.workspace_id = :workspace and t.id = any(:ids) and (
    exists (select from contacts r where r.workspace_id = :workspace and r.deleted_at is null and tag_keys(r.tags) && tag_keys(array[t.name]))
    or exists (select from companies r where r.workspace_id = :workspace and r.deleted_at is null and tag_keys(r.tags) && tag_keys(array[t.name]))
    or exists (select from leads r where r.workspace_id = :workspace and r.deleted_at is null and tag_keys(r.tags) && tag_keys(array[t.name]))
    or exists (select from deals r where r.workspace_id = :workspace and r.deleted_at is null and tag_keys(r.tags) && tag_keys(array[t.name]))
)

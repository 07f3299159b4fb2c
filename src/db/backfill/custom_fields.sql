select r.workspace_id, r.id, w.country, r.custom, r.version, kinds.of_keys as kinds
from :records r
join workspaces w on w.id = r.workspace_id
cross join lateral (
    select jsonb_object_agg(f.key, f.kind) as of_keys from custom_fields f
    where f.workspace_id = r.workspace_id and f.resource = :resource and f.kind in ('email', 'phone') and r.custom ? f.key
) kinds
where (r.workspace_id, r.id) > (:workspace, :record) and r.custom <> '{}' and kinds.of_keys is not null
order by r.workspace_id, r.id
limit :limit
for update of r

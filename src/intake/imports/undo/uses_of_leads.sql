-- The leads to which other records refer.
select lead_id as id from tasks where workspace_id = :workspace and deleted_at is null and lead_id = any(:ids)
union
select lead_id from activities where workspace_id = :workspace and deleted_at is null and lead_id = any(:ids)
union
select lead_id from files where workspace_id = :workspace and deleted_at is null and lead_id = any(:ids)

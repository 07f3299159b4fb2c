-- The deals to which other records refer.
select deal_id as id from tasks where workspace_id = :workspace and deleted_at is null and deal_id = any(:ids)
union
select deal_id from activities where workspace_id = :workspace and deleted_at is null and deal_id = any(:ids)
union
select deal_id from files where workspace_id = :workspace and deleted_at is null and deal_id = any(:ids)

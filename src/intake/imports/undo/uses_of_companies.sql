-- The companies to which other records refer.
select company_id as id from contacts where workspace_id = :workspace and deleted_at is null and company_id = any(:ids)
union
select company_id from leads where workspace_id = :workspace and deleted_at is null and company_id = any(:ids)
union
select company_id from deals where workspace_id = :workspace and deleted_at is null and company_id = any(:ids)
union
select parent_id from companies
where workspace_id = :workspace and deleted_at is null and parent_id = any(:ids) and id <> all(:ids)
union
select company_id from tasks where workspace_id = :workspace and deleted_at is null and company_id = any(:ids)
union
select company_id from activities where workspace_id = :workspace and deleted_at is null and company_id = any(:ids)
union
select company_id from files where workspace_id = :workspace and deleted_at is null and company_id = any(:ids)

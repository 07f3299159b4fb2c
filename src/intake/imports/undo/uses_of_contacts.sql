-- The contacts to which other records refer.
select contact_id as id from leads where workspace_id = :workspace and deleted_at is null and contact_id = any(:ids)
union
select dc.contact_id from deal_contacts dc
join deals d on d.workspace_id = dc.workspace_id and d.id = dc.deal_id
where dc.workspace_id = :workspace and dc.contact_id = any(:ids) and d.deleted_at is null
union
select contact_id from tasks where workspace_id = :workspace and deleted_at is null and contact_id = any(:ids)
union
select contact_id from activities where workspace_id = :workspace and deleted_at is null and contact_id = any(:ids)
union
select contact_id from files where workspace_id = :workspace and deleted_at is null and contact_id = any(:ids)

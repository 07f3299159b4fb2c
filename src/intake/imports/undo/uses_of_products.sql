-- The products to which leads and line items refer.
select product_id as id from leads where workspace_id = :workspace and deleted_at is null and product_id = any(:ids)
union
select i.product_id from line_items i
join deals d on d.workspace_id = i.workspace_id and d.id = i.deal_id
where i.workspace_id = :workspace and i.product_id = any(:ids) and d.deleted_at is null

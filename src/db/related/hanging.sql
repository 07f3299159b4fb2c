-- The rows of a table that are linked to the records of `related`, by kind.
select :columns from :table where :table.workspace_id = :workspace and related.kind = 'contact' and :table.contact_id = related.id and (:more)
union all
select :columns from :table where :table.workspace_id = :workspace and related.kind = 'company' and :table.company_id = related.id and (:more)
union all
select :columns from :table where :table.workspace_id = :workspace and related.kind = 'lead' and :table.lead_id = related.id and (:more)
union all
select :columns from :table where :table.workspace_id = :workspace and related.kind = 'deal' and :table.deal_id = related.id and (:more)

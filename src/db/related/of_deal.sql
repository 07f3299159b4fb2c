-- A deal, and the leads that were converted to it.
select 'deal' as kind, own.id from unnest(:ids) own (id)
union
select 'lead', leads.id from leads where leads.workspace_id = :workspace and leads.converted_deal_id = any(:ids) and (:leads)

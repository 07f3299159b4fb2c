-- A company, its contacts, its leads and its deals: those that refer to it, and those that its leads were converted to.
select 'company' as kind, own.id from unnest(:ids) own (id)
union
select 'contact', contacts.id from contacts where contacts.workspace_id = :workspace and contacts.company_id = any(:ids) and (:contacts)
union
select 'lead', leads.id from leads where leads.workspace_id = :workspace and leads.company_id = any(:ids) and (:leads)
union
select 'deal', deals.id from deals where deals.workspace_id = :workspace and deals.company_id = any(:ids) and (:deals)
union
select 'deal', deals.id from deals where deals.workspace_id = :workspace and (:deals) and deals.id in (
    select leads.converted_deal_id from leads where leads.workspace_id = :workspace and leads.company_id = any(:ids) and (:leads)
)

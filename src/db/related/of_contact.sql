-- A contact, its leads and its deals: those that refer to it, and those that its leads were converted to.
select 'contact' as kind, own.id from unnest(:ids) own (id)
union
select 'lead', leads.id from leads where leads.workspace_id = :workspace and leads.contact_id = any(:ids) and (:leads)
union
select 'deal', deals.id from deals where deals.workspace_id = :workspace and (:deals) and deals.id in (
    select deal_contacts.deal_id from deal_contacts where deal_contacts.workspace_id = :workspace and deal_contacts.contact_id = any(:ids)
    union all
    select leads.converted_deal_id from leads where leads.workspace_id = :workspace and leads.contact_id = any(:ids) and (:leads)
)

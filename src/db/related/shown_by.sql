-- The records whose next task may be a task of these: the records themselves, and those that they belong to.
with origins as (
    select contact_id, company_id from leads where workspace_id = :workspace and (id = any(:leads) or converted_deal_id = any(:deals))
)
select 'contact' as kind, id from unnest(:contacts) record (id)
union
select 'contact', contact_id from origins where contact_id is not null
union
select 'contact', contact_id from deal_contacts where workspace_id = :workspace and deal_id = any(:deals)
union
select 'company', id from unnest(:companies) record (id)
union
select 'company', company_id from contacts where workspace_id = :workspace and id = any(:contacts) and company_id is not null
union
select 'company', company_id from origins where company_id is not null
union
select 'company', company_id from deals where workspace_id = :workspace and id = any(:deals) and company_id is not null
union
select 'lead', id from unnest(:leads) record (id)
union
select 'deal', id from unnest(:deals) record (id)
union
select 'deal', converted_deal_id from leads where workspace_id = :workspace and id = any(:leads) and converted_deal_id is not null

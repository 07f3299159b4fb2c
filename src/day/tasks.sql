-- The tasks of the blocks, with the names of their records as far as the caller sees them.
select chosen.block, chosen.total, chosen.id, tasks.title, tasks.assignee_id as owner_id, tasks.due_end as since,
    tasks.due_date as day, tasks.type as type, null::uuid as stage_id, null::bigint as amount, null::text as currency,
    contacts.id as contact_id, :contact_name as contact_name, companies.id as company_id, companies.name as company_name,
    leads.id as lead_id, leads.title as lead_title, deals.id as deal_id, deals.title as deal_title, null::text as person_name
from (:blocks) chosen
left join tasks on tasks.workspace_id = :workspace and tasks.id = chosen.id
left join contacts on contacts.workspace_id = :workspace and contacts.id = tasks.contact_id and contacts.deleted_at is null and (:contacts)
left join companies on companies.workspace_id = :workspace and companies.id = tasks.company_id and companies.deleted_at is null and (:companies)
left join leads on leads.workspace_id = :workspace and leads.id = tasks.lead_id and leads.deleted_at is null and (:leads)
left join deals on deals.workspace_id = :workspace and deals.id = tasks.deal_id and deals.deleted_at is null and (:deals)
order by chosen.block, chosen.place

-- The leads of the blocks, and since when each needs attention.
select chosen.block, chosen.total, chosen.id, leads.title, leads.owner_id,
    case chosen.block
        when 'unanswered_leads' then leads.created_at
        when 'come_back_leads' then leads.come_back_on::timestamp at time zone :zone
        when 'rotting_leads' then leads.last_activity_at + make_interval(days => stages.rotting_days)
        else leads.last_activity_at
    end as since,
    case when chosen.block = 'come_back_leads' then leads.come_back_on end as day,
    null::text as type, leads.stage_id, :amount as amount, :currency as currency,
    contacts.id as contact_id, :contact_name as contact_name, companies.id as company_id, companies.name as company_name,
    null::uuid as lead_id, null::text as lead_title, null::uuid as deal_id, null::text as deal_title, :person as person_name
from (:blocks) chosen
left join leads on leads.workspace_id = :workspace and leads.id = chosen.id
left join stages on stages.workspace_id = :workspace and stages.id = leads.stage_id
left join contacts on contacts.workspace_id = :workspace and contacts.id = leads.contact_id and contacts.deleted_at is null and (:contacts)
left join companies on companies.workspace_id = :workspace and companies.id = leads.company_id and companies.deleted_at is null and (:companies)
order by chosen.block, chosen.place

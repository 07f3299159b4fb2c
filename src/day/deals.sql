-- The deals of the blocks, and since when each needs attention.
select chosen.block, chosen.total, chosen.id, deals.title, deals.owner_id,
    case chosen.block
        when 'rotting_deals' then deals.last_activity_at + make_interval(days => stages.rotting_days)
        when 'past_close_deals' then (deals.expected_close_date + 1)::timestamp at time zone :zone
        else deals.last_activity_at
    end as since,
    case when chosen.block = 'past_close_deals' then deals.expected_close_date end as day,
    null::text as type, deals.stage_id, :amount as amount, :currency as currency,
    contacts.id as contact_id, :contact_name as contact_name, companies.id as company_id, companies.name as company_name,
    null::uuid as lead_id, null::text as lead_title, null::uuid as deal_id, null::text as deal_title, null::text as person_name
from (:blocks) chosen
left join deals on deals.workspace_id = :workspace and deals.id = chosen.id
left join stages on stages.workspace_id = :workspace and stages.id = deals.stage_id
left join contacts on contacts.workspace_id = :workspace and contacts.id = (deals.contacts -> 0 ->> 'contact_id')::uuid
    and contacts.deleted_at is null and (:contacts)
left join companies on companies.workspace_id = :workspace and companies.id = deals.company_id and companies.deleted_at is null and (:companies)
order by chosen.block, chosen.place

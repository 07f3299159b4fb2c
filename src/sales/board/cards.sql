-- The cards of the columns, with the names of their records as far as the caller sees them.
select chosen.stage_id, :table.id, :table.number, :table.title, :amount as amount, :currency as currency,
    :probability as probability_percent, :day as day, :rating as rating, :person as person_name, :table.tags,
    :table.board_position, :table.stage_entered_at, :table.last_activity_at, :table.version,
    (:rotting) as rotting,
    users.id as owner_id, users.name as owner_name,
    contacts.id as contact_id, :contact_name as contact_name, companies.id as company_id, companies.name as company_name,
    tasks.id as task_id, tasks.title as task_title, tasks.due_end as task_due, tasks.due_date as task_day
from (:chosen) chosen
join :table on :table.workspace_id = :workspace and :table.id = chosen.id
left join users on users.workspace_id = :workspace and users.id = :table.owner_id and (:users)
left join contacts on contacts.workspace_id = :workspace and contacts.id = :contact and contacts.deleted_at is null and (:contacts)
left join companies on companies.workspace_id = :workspace and companies.id = :table.company_id and companies.deleted_at is null and (:companies)
left join tasks on tasks.workspace_id = :workspace and tasks.id = (:next_task) and tasks.deleted_at is null and (:tasks)
order by chosen.stage_id, chosen.place

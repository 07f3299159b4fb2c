-- What the users did since the first of the month: figure, currency, count and sum.
select 'deals_won' as figure, :currency as currency, count(*) as count, coalesce(sum(:amount), 0)::text as amount
from deals where deals.workspace_id = :workspace and deals.deleted_at is null and deals.status = 'won'
    and deals.closed_by_id = any(:users) and deals.closed_at >= :from and deals.closed_at < :to and (:deals)
group by 2
union all
select 'deals_lost', null, count(*), '0'
from deals where deals.workspace_id = :workspace and deals.deleted_at is null and deals.status = 'lost'
    and deals.closed_by_id = any(:users) and deals.closed_at >= :from and deals.closed_at < :to and (:deals)
union all
select 'new_leads', null, count(*), '0'
from leads where leads.workspace_id = :workspace and leads.deleted_at is null
    and leads.owner_id = any(:users) and leads.created_at >= :from and leads.created_at < :to and (:leads)
union all
select activities.type, null, count(*), '0'
from activities where activities.workspace_id = :workspace and activities.deleted_at is null
    and activities.author_id = any(:users) and activities.occurred_at >= :from and activities.occurred_at < :to and (:activities)
group by activities.type
union all
select 'tasks_done', null, count(*), '0'
from tasks where tasks.workspace_id = :workspace and tasks.deleted_at is null
    and tasks.completed_by = any(:users) and tasks.completed_at >= :from and tasks.completed_at < :to and (:tasks)

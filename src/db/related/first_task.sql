-- The open task that is due first, of some records and what belongs to them.
select first.id, first.due_end, first.due_date from (:related) related cross join lateral (
    select id, due_end, due_date from tasks
    where workspace_id = :workspace and related.kind = 'contact' and contact_id = related.id and status = 'open' and deleted_at is null
    union all
    select id, due_end, due_date from tasks
    where workspace_id = :workspace and related.kind = 'company' and company_id = related.id and status = 'open' and deleted_at is null
    union all
    select id, due_end, due_date from tasks
    where workspace_id = :workspace and related.kind = 'lead' and lead_id = related.id and status = 'open' and deleted_at is null
    union all
    select id, due_end, due_date from tasks
    where workspace_id = :workspace and related.kind = 'deal' and deal_id = related.id and status = 'open' and deleted_at is null
) first order by first.due_end nulls last, first.id limit 1

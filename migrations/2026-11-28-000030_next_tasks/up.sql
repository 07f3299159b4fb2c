-- The day of an all-day task beside its end: a timed task of the next midnight is not for today. And contacts, companies and deals
-- count the tasks of what belongs to them. The selections are those of src/db/related, as they were at this time.
alter table contacts add column next_task_on date;
alter table companies add column next_task_on date;
alter table leads add column next_task_on date;
alter table deals add column next_task_on date;

with open_tasks as (select * from tasks where status = 'open' and deleted_at is null),
origins as (
    select t.workspace_id, t.id as task_id, l.contact_id, l.company_id, l.converted_deal_id, l.id = t.lead_id as direct
    from open_tasks t join leads l on l.workspace_id = t.workspace_id and (l.id = t.lead_id or l.converted_deal_id = t.deal_id)
    where l.deleted_at is null
        and (l.id = t.lead_id or exists (select 1 from deals d where d.workspace_id = t.workspace_id and d.id = t.deal_id and d.deleted_at is null))
),
showing as (
    select workspace_id, id as task_id, 'contact' as kind, contact_id as record_id from open_tasks
    union select workspace_id, task_id, 'contact', contact_id from origins
    union select t.workspace_id, t.id, 'contact', c.contact_id from open_tasks t
        join deal_contacts c on c.workspace_id = t.workspace_id and c.deal_id = t.deal_id
        join deals d on d.workspace_id = t.workspace_id and d.id = t.deal_id and d.deleted_at is null
    union select workspace_id, id, 'company', company_id from open_tasks
    union select workspace_id, task_id, 'company', company_id from origins
    union select t.workspace_id, t.id, 'company', c.company_id from open_tasks t
        join contacts c on c.workspace_id = t.workspace_id and c.id = t.contact_id and c.deleted_at is null
    union select t.workspace_id, t.id, 'company', d.company_id from open_tasks t
        join deals d on d.workspace_id = t.workspace_id and d.id = t.deal_id and d.deleted_at is null
    union select workspace_id, id, 'lead', lead_id from open_tasks
    union select workspace_id, id, 'deal', deal_id from open_tasks
    union select workspace_id, task_id, 'deal', converted_deal_id from origins where direct
),
shown as materialized (
    select distinct on (t.workspace_id, s.kind, s.record_id) t.workspace_id, s.kind, s.record_id, t.id, t.due_end, t.due_date
    from showing s join open_tasks t on t.workspace_id = s.workspace_id and t.id = s.task_id
    where s.record_id is not null
    order by t.workspace_id, s.kind, s.record_id, t.due_end nulls last, t.id
),
of_contacts as (
    update contacts r set next_task_id = s.id, next_task_at = s.due_end, next_task_on = s.due_date
    from shown s where s.kind = 'contact' and s.workspace_id = r.workspace_id and s.record_id = r.id
),
of_companies as (
    update companies r set next_task_id = s.id, next_task_at = s.due_end, next_task_on = s.due_date
    from shown s where s.kind = 'company' and s.workspace_id = r.workspace_id and s.record_id = r.id
),
of_leads as (
    update leads r set next_task_id = s.id, next_task_at = s.due_end, next_task_on = s.due_date
    from shown s where s.kind = 'lead' and s.workspace_id = r.workspace_id and s.record_id = r.id
)
update deals r set next_task_id = s.id, next_task_at = s.due_end, next_task_on = s.due_date
from shown s where s.kind = 'deal' and s.workspace_id = r.workspace_id and s.record_id = r.id;

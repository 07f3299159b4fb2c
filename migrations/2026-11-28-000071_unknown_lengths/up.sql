-- An import may say in which stage a deal is and not when it came there: the stay before ended nobody knows when. What was created closed came to
-- its stage nobody knows when.
alter table stage_spans add column length_unknown boolean not null default false;

-- What was created closed began nobody knows when. Its creation was recorded at the very instant at which it began.
update deals set without_beginning = true where status <> 'open' and created_at = closed_at and not without_beginning and exists (
    select from events e
    where e.workspace_id = deals.workspace_id and e.record_id = deals.id and e.at = deals.created_at and e.type = 'deal.created'
);
update leads set without_beginning = true where status <> 'open' and created_at = closed_at and not without_beginning and exists (
    select from events e
    where e.workspace_id = leads.workspace_id and e.record_id = leads.id and e.at = leads.created_at and e.type = 'lead.created'
);
update stage_spans sp set length_unknown = true from deals d
where d.workspace_id = sp.workspace_id and d.id = sp.record_id and d.without_beginning and sp.entered_at = d.created_at and not exists (
    select from stage_spans other
    where other.workspace_id = sp.workspace_id and other.record_id = sp.record_id and other.id <> sp.id and other.entered_at = sp.entered_at
);

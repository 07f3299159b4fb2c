drop index contacts_by_consent;
drop function agreed(jsonb);
drop index contacts_by_campaign;
alter table leads drop column come_back_task_id;

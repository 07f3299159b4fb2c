-- The person of a lead who is exactly the text that is asked for comes first: by name, e-mail, or number in any form.
create index leads_person_name_opening on leads (workspace_id, fold(person ->> 'name') text_pattern_ops);
create index leads_person_email on leads (workspace_id, (person ->> 'email')) where person is not null;
create index leads_by_any_phone on leads using gin (workspace_id, phone_keys);

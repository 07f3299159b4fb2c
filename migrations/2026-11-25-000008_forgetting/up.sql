-- The file of an import goes after a while, and when a person is erased; an answer that was kept for a retry goes with the person it told of.
alter table imports
    alter column content drop not null,
    add column file_removed_at timestamptz(3),
    add constraint imports_file_check check ((content is null) = (file_removed_at is not null));
create index imports_with_file on imports (updated_at) where content is not null;
-- The ids that an answer names, and whether it is gone.
alter table idempotency_keys add column names uuid[] not null default '{}', add column erased boolean not null default false;
-- People who left their address several times.
create index leads_by_person_email on leads (workspace_id, lower(person ->> 'email')) where contact_id is null and person is not null;
-- Who never became a contact can be erased too.
alter table erasures
    alter column contact_id drop not null,
    add column lead_id uuid,
    add constraint erasures_lead_id_key unique (workspace_id, lead_id),
    add constraint erasures_of_check check (num_nonnulls(contact_id, lead_id) = 1);

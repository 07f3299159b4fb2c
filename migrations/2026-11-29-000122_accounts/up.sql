-- Accounts in messengers and networks, and when and how a person must not be contacted.
alter table contacts
    add column accounts jsonb not null default '[]',
    add column quiet_hours jsonb,
    add column do_not_contact_channels jsonb not null default '[]';
create index contacts_by_account on contacts using gin (workspace_id, jsonb_path_query_array(accounts, '$[*].key'));

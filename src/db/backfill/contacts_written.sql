-- Writes the normalised values, and an event for each visible change.
with new as (
    select * from jsonb_to_recordset(:rows::jsonb) as n (workspace_id uuid, id uuid, changed boolean, keys jsonb, phone text, email text,
        emails jsonb, phones jsonb, event_id uuid, version bigint, was jsonb)
), written as (
    update contacts c set emails = n.emails, email = n.email, phones = n.phones, phone = n.phone, phone_keys = n.keys, version = n.version,
        updated_at = case when n.changed then now() else c.updated_at end
    from new n where c.workspace_id = n.workspace_id and c.id = n.id
)
insert into events (workspace_id, id, at, type, record_kind, record_id, record_version, actor_kind, request_id, changes)
select workspace_id, event_id, now(), 'contact.updated', 'contact', id, version, 'migration', '', 
    case when was -> 'emails' <> emails then jsonb_build_object('emails', jsonb_build_array(was -> 'emails', emails)) else '{}' end
    || case when was -> 'phones' <> phones then jsonb_build_object('phones', jsonb_build_array(was -> 'phones', phones)) else '{}' end
from new where changed

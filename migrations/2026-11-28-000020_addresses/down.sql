drop table backfills;
drop index companies_by_domain;
create index companies_by_domain on companies (workspace_id, lower(domain)) where domain is not null;
drop index leads_words;
create index leads_words on leads using gin (workspace_id, fold(title || ' ' || number || ' ' || coalesce(person ->> 'name', '') || ' ' ||
    coalesce(person ->> 'company_name', '') || ' ' || coalesce(person ->> 'email', '') || ' ' || coalesce(person ->> 'phone', '')) gin_trgm_ops);
drop index contacts_words;
create index contacts_words on contacts using gin (workspace_id,
    fold(coalesce(first_name, '') || ' ' || coalesce(last_name, '') || ' ' || translate(jsonb_path_query_array(emails, '$[*].email')::text, '[]",', '')
        || ' ' || translate(jsonb_path_query_array(phones, '$[*].e164')::text, '[]",', '')) gin_trgm_ops);
drop index contacts_by_any_email;
drop index contacts_by_any_phone;
create index contacts_by_phone on contacts (workspace_id, phone);
drop table contact_emails;
alter table leads drop column phone_keys;
alter table contacts drop column phone_keys;

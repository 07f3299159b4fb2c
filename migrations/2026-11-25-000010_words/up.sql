-- Searched, too: every address and number of a contact, the person of a lead, and the numbers of leads and deals.
drop index contacts_words;
create index contacts_words on contacts using gin (workspace_id,
    fold(coalesce(first_name, '') || ' ' || coalesce(last_name, '') || ' ' || translate(jsonb_path_query_array(emails, '$[*].email')::text, '[]",', '')
        || ' ' || translate(jsonb_path_query_array(phones, '$[*].e164')::text, '[]",', '')) gin_trgm_ops);
drop index leads_words;
create index leads_words on leads using gin (workspace_id, fold(title || ' ' || number || ' ' || coalesce(person ->> 'name', '') || ' ' ||
    coalesce(person ->> 'company_name', '') || ' ' || coalesce(person ->> 'email', '') || ' ' || coalesce(person ->> 'phone', '')) gin_trgm_ops);
drop index deals_words;
create index deals_words on deals using gin (workspace_id, fold(title || ' ' || number) gin_trgm_ops);

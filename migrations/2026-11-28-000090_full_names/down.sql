drop index contacts_words;
create index contacts_words on contacts using gin (workspace_id,
    fold(coalesce(first_name, '') || ' ' || coalesce(last_name, '') || ' ' || translate(jsonb_path_query_array(emails, '$[*].email')::text, '[]",', '')
        || ' ' || translate(phone_keys::text, '[]",', '') || case when last_name ~ '[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]' then ' ' || last_name || coalesce(first_name, '') else '' end)
    gin_trgm_ops);
drop index leads_words;
create index leads_words on leads using gin (workspace_id, fold(title || ' ' || number || ' ' || coalesce(person ->> 'name', '') || ' ' ||
    coalesce(person ->> 'company_name', '') || ' ' || coalesce(person ->> 'email', '') || ' ' || coalesce(person ->> 'phone', '') || ' ' || translate(phone_keys::text, '[]",', ''))
    gin_trgm_ops);
drop function together(text, text);

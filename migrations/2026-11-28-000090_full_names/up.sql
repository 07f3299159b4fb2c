-- Chinese, Japanese and Korean names are written without a space, the family name first: also those that lie in one member, as a lead's, or
-- in the wrong ones.
create function together(text, text) returns text language sql immutable parallel safe as $$
    select case
        when coalesce($1, '') || coalesce($2, '') ~ '[\u3005\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]'
        then ' ' || translate(coalesce($1, '') || coalesce($2, ''), E' \u3000', '')
        else ''
    end
$$;

drop index contacts_words;
create index contacts_words on contacts using gin (workspace_id,
    fold(coalesce(first_name, '') || ' ' || coalesce(last_name, '') || ' ' || translate(jsonb_path_query_array(emails, '$[*].email')::text, '[]",', '')
        || ' ' || translate(phone_keys::text, '[]",', '') || together(last_name, first_name) || together(first_name, last_name))
    gin_trgm_ops);
drop index leads_words;
create index leads_words on leads using gin (workspace_id, fold(title || ' ' || number || ' ' || coalesce(person ->> 'name', '') || ' ' ||
    coalesce(person ->> 'company_name', '') || ' ' || coalesce(person ->> 'email', '') || ' ' || coalesce(person ->> 'phone', '') || ' ' ||
    translate(phone_keys::text, '[]",', '') || together(person ->> 'name', null))
    gin_trgm_ops);

drop index contacts_words;
create index contacts_words on contacts using gin (workspace_id,
    fold(coalesce(first_name, '') || ' ' || coalesce(last_name, '') || ' ' || coalesce(email, '') || ' ' || coalesce(phone, '')) gin_trgm_ops);
drop index leads_words;
create index leads_words on leads using gin (workspace_id, fold(title || ' ' || coalesce(person ->> 'name', '') || ' ' || coalesce(person ->> 'company_name', '')) gin_trgm_ops);
drop index deals_words;
create index deals_words on deals using gin (workspace_id, fold(title) gin_trgm_ops);

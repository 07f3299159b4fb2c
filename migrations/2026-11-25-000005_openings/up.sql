-- What begins as it is written is found in order, without weighing all that mentions it. Byte order, as `~>=~` compares.
create index companies_opening on companies (workspace_id, fold(name) text_pattern_ops);
create index contacts_opening on contacts (workspace_id,
    fold(btrim(coalesce(first_name, '') || ' ' || coalesce(last_name, ''))) text_pattern_ops);
create index contacts_last_name_opening on contacts (workspace_id, fold(last_name) text_pattern_ops);
create index contacts_email_opening on contacts (workspace_id, email text_pattern_ops);
create index deals_opening on deals (workspace_id, fold(title) text_pattern_ops);
create index leads_opening on leads (workspace_id, fold(title) text_pattern_ops);
create index activities_words on activities using gin (workspace_id, fold(coalesce(text, '')) gin_trgm_ops);

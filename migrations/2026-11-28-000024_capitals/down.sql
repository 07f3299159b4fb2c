drop index tags_name_key;
drop index contacts_by_tag;
drop index companies_by_tag;
drop index leads_by_tag;
drop index deals_by_tag;
create or replace function tag_key(word text) returns text language sql immutable strict parallel safe
    as $$ select normalize(lower(upper(normalize($1, NFKC) collate "und-x-icu") collate "und-x-icu"), NFC) $$;
create unique index tags_name_key on tags (workspace_id, tag_key(name));
create index contacts_by_tag on contacts using gin (workspace_id, tag_keys(tags));
create index companies_by_tag on companies using gin (workspace_id, tag_keys(tags));
create index leads_by_tag on leads using gin (workspace_id, tag_keys(tags));
create index deals_by_tag on deals using gin (workspace_id, tag_keys(tags));

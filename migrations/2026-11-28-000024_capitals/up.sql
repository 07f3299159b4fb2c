-- The capital ẞ has no capitals of its own: a word goes to lower case first, and is one tag with ß and ss.
drop index tags_name_key;
drop index contacts_by_tag;
drop index companies_by_tag;
drop index leads_by_tag;
drop index deals_by_tag;
create or replace function tag_key(word text) returns text language sql immutable strict parallel safe
    as $$ select normalize(lower(upper(lower(normalize($1, NFKC) collate "und-x-icu") collate "und-x-icu") collate "und-x-icu"), NFC) $$;

-- Of several spellings the oldest is the tag, and records carry it once.
delete from tags t using tags older
where older.workspace_id = t.workspace_id and tag_key(older.name) = tag_key(t.name)
    and (older.created_at, older.id) < (t.created_at, t.id);
do $$
declare
    carriers text;
begin
    foreach carriers in array array['contacts', 'companies', 'leads', 'deals'] loop
        execute format('update %I r set version = version + 1, updated_at = now(), tags = (
            select coalesce(array_agg(name order by n), ''{}'') from (
                select coalesce(t.name, w) as name, min(n) as n
                from unnest(r.tags) with ordinality as old (w, n)
                left join tags t on t.workspace_id = r.workspace_id and tag_key(t.name) = tag_key(w)
                group by 1
            ) words
        ) where array_to_string(tags, '''') like ''%%ẞ%%''', carriers);
    end loop;
end $$;

create unique index tags_name_key on tags (workspace_id, tag_key(name));
create index contacts_by_tag on contacts using gin (workspace_id, tag_keys(tags));
create index companies_by_tag on companies using gin (workspace_id, tag_keys(tags));
create index leads_by_tag on leads using gin (workspace_id, tag_keys(tags));
create index deals_by_tag on deals using gin (workspace_id, tag_keys(tags));

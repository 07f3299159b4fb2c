-- Spellings of a tag that differ in the case or the form of their letters are one tag. The rules are those of Unicode, whatever the
-- locale of the database is.
create function tag_key(word text) returns text language sql immutable strict parallel safe
    as $$ select normalize(lower(upper(normalize($1, NFKC) collate "und-x-icu") collate "und-x-icu"), NFC) $$;
create function tag_keys(words text[]) returns text[] language sql immutable strict parallel safe
    as $$ select case when $1 = '{}' then $1 else (select array_agg(public.tag_key(word)) from unnest($1) word) end $$;

-- Of several spellings the oldest is the tag.
delete from tags t using tags older
where older.workspace_id = t.workspace_id and tag_key(older.name) = tag_key(t.name)
    and (older.created_at, older.id) < (t.created_at, t.id);
alter table tags drop constraint tags_name_key;
create unique index tags_name_key on tags (workspace_id, tag_key(name));

-- Records carry the spelling of the tag, once.
create function respelled(workspace uuid, carried text[]) returns text[] language sql stable
    as $$
        select coalesce(array_agg(name order by n), '{}') from (
            select coalesce(t.name, w) as name, min(n) as n
            from unnest($2) with ordinality as old (w, n) left join tags t on t.workspace_id = $1 and tag_key(t.name) = tag_key(w)
            group by 1
        ) words
    $$;
update contacts set tags = respelled(workspace_id, tags), version = version + 1, updated_at = now()
    where tags <> '{}' and tags <> respelled(workspace_id, tags);
update companies set tags = respelled(workspace_id, tags), version = version + 1, updated_at = now()
    where tags <> '{}' and tags <> respelled(workspace_id, tags);
update leads set tags = respelled(workspace_id, tags), version = version + 1, updated_at = now()
    where tags <> '{}' and tags <> respelled(workspace_id, tags);
update deals set tags = respelled(workspace_id, tags), version = version + 1, updated_at = now()
    where tags <> '{}' and tags <> respelled(workspace_id, tags);
drop function respelled;

drop index contacts_by_tag;
drop index companies_by_tag;
drop index leads_by_tag;
drop index deals_by_tag;
create index contacts_by_tag on contacts using gin (workspace_id, tag_keys(tags));
create index companies_by_tag on companies using gin (workspace_id, tag_keys(tags));
create index leads_by_tag on leads using gin (workspace_id, tag_keys(tags));
create index deals_by_tag on deals using gin (workspace_id, tag_keys(tags));

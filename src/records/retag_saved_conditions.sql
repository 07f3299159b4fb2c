-- Replaces the old name of a tag with the new one in saved conditions, also in those on related records (deals.tags).
update :kept k set version = k.version + 1, updated_at = :at, selection = (
    select jsonb_object_agg(part.key, case when jsonb_typeof(part.value) <> 'array' then part.value else (
        select coalesce(jsonb_agg(case when one ->> 'field' !~ '^([a-z_]+[.])?tags$' or one ->> 'field' = 'cf.tags' then one else jsonb_set(one, '{values}', (
            select jsonb_agg(case when tag_key(word) = tag_key(:old) then :new else word end)
            from jsonb_array_elements_text(one -> 'values') word
        )) end order by n), '[]')
        from jsonb_array_elements(part.value) with ordinality as conditions (one, n)
    ) end)
    from jsonb_each(k.selection) part
)
where k.workspace_id = :workspace and exists (
    select from jsonb_path_query(k.selection, '$.*[*] ? (@.field like_regex "^([a-z_]+[.])?tags$" && @.field != "cf.tags").values[*]') named
    where tag_key(named #>> '{}') = tag_key(:old)
)

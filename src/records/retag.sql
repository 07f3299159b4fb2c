-- Replaces the old name of a tag with the new one in records of one kind, or removes it if there is no new name, and
-- records an event for each change. A record that has both names keeps the new one once.
with matching as (
    select id, tags as was from :records
    where workspace_id = :workspace and tag_keys(tags) && tag_keys(array[:old])
        and (:new::text is null or tag_key(:new) <> tag_key(:old) or not tags @> array[:new::text])
    order by id
    limit :limit
    for no key update
), written as (
    update :records r set version = r.version + 1, updated_at = :at, tags = (
        select coalesce(array_agg(word order by n), '{}') from (
            select case when tag_key(w) = tag_key(:old) then :new::text else w end as word, min(n) as n
            from unnest(matching.was) with ordinality as carried (w, n) group by 1
        ) words where word is not null
    )
    from matching where r.workspace_id = :workspace and r.id = matching.id
    returning r.id, r.version, matching.was, r.tags
), recorded as (
    insert into events (workspace_id, id, at, type, record_kind, record_id, record_version, actor_kind, actor_id, request_id, changes)
    select :workspace, gen_random_uuid(), :at, :kind || '.updated', :kind, id, version, :via, :user, :request,
        jsonb_build_object('tags', jsonb_build_array(to_jsonb(was), to_jsonb(tags)))
    from written
)
select count(*) as count from written

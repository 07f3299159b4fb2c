-- Records of one kind that fit, the best first: the name itself, a name that begins so, a word that begins so, then by likeness
-- (pg_trgm). At most a thousand candidates are weighed.
select id, name, score from (
    select found.id, found.name, case
        when fold(found.name) = :q then 3.0
        when starts_with(fold(found.name), :q) then 2.5
        when ' ' || found.words like '% ' || :pattern || '%' then 2.0
        when found.words like '%' || :pattern || '%' then 1.5
        else word_similarity(:q, found.words)
    end::float8 as score
    from (
        select :records.id, :name as name, :words as words from :records
        where :records.workspace_id = :workspace and :records.deleted_at is null and (:seen) and (:fits)
        limit 1000
    ) found
) weighed
order by score desc, name, id
limit :limit

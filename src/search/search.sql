-- Matching records of one kind, the best first: an equal name, a name that begins with the query, a word that begins
-- with it, then by similarity (pg_trgm). At most a thousand candidates get a score.
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

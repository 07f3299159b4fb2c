-- Records of one kind with a text that begins as `:q`, read in the order of an index on that text: the first few cost the same
-- among a hundred and among a million. The text itself comes before what is longer. The range is written out since a pattern
-- given as a parameter does not reach the index of a prepared plan.
select id, name, case when key = :q then 3.0 else :score end::float8 as score from (
    select :records.id, :name as name, :key as key from :records
    where :records.workspace_id = :workspace and :records.deleted_at is null and (:seen)
        and :key ~>=~ :q and :key ~<~ (:q || U&'\+10FFFF')
    order by :key using ~<~
    limit :limit
) found

-- Records of one kind with a text that begins with `:q`, read in the order of an index on that text, so that the cost
-- does not grow with the number of records. An equal text comes before longer ones. The range is written out, because
-- a pattern in a parameter cannot use the index in a prepared plan.
select id, name, case when key = :q then 3.0 else :score end::float8 as score from (
    select :records.id, :name as name, :key as key from :records
    where :records.workspace_id = :workspace and :records.deleted_at is null and (:seen)
        and :key ~>=~ :q and :key ~<~ (:q || U&'\+10FFFF')
    order by :key using ~<~
    limit :limit
) found

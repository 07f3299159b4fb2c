-- A block of a day: how many records of :table match, and the first of them.
select :block as block, matching.total, first.id, first.place
from (
    select count(*) as total from (
        select from :table where :table.workspace_id = :workspace and :table.deleted_at is null and (:seen) and (:filter) limit :most
    ) few
) matching
left join lateral (
    select :table.id, row_number() over (order by :order) as place from :table
    where :table.workspace_id = :workspace and :table.deleted_at is null and (:seen) and (:filter)
    order by :order limit :limit
) first on true

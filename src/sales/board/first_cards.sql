-- The first cards of each column, after the position of the cursor.
select stage.id as stage_id, first.id, first.place from unnest(:stages::uuid[]) stage (id)
cross join lateral (
    select :table.id, row_number() over (order by :order) as place from :table
    where :table.workspace_id = :workspace and :table.stage_id = stage.id and :table.deleted_at is null
        and (:seen) and (:filter) and (:after)
    order by :order limit :limit
) first

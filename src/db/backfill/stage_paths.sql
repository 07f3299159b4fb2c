-- The next leads and deals, after their histories have been followed.
with batch as (
    select workspace_id, id from (
        (select workspace_id, id from deals where (workspace_id, id) > (:workspace, :record) order by 1, 2 limit :limit)
        union all
        (select workspace_id, id from leads where (workspace_id, id) > (:workspace, :record) order by 1, 2 limit :limit)
    ) records
    order by workspace_id, id
    limit :limit
), followed as (
    select follow_stage_spans(array_agg(workspace_id order by workspace_id, id), array_agg(id order by workspace_id, id)) from batch
)
select b.workspace_id, b.id from batch b cross join followed f order by b.workspace_id, b.id

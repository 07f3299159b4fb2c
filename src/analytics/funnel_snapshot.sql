-- Records in each open stage at a point in time, read from the stage spans: those that still last, and those that
-- ended later. Records that were deleted at that time are excluded, even if they were restored later.
with standing as (
    select sp.stage_id, sp.record_id
    from stages s
    join stage_spans sp on sp.workspace_id = :workspace and sp.stage_id = s.id and sp.left_at is null and sp.entered_at <= :at
    where s.workspace_id = :workspace and s.pipeline_id = :pipeline and s.category = 'open'
    union all
    select sp.stage_id, sp.record_id
    from stage_spans sp
    join stages s on s.workspace_id = :workspace and s.id = sp.stage_id and s.category = 'open'
    where sp.workspace_id = :workspace and sp.pipeline_id = :pipeline and sp.left_at > :at and sp.entered_at <= :at
), tally as (
    select :group_key as key, sp.stage_id, :currency as currency, count(*) as count, coalesce(sum(:amount), 0) as amount
    from standing sp
    join :records on :records.workspace_id = :workspace and :records.id = sp.record_id
    :group_join
    where (:records.deleted_at is null or :records.deleted_at > :at) and (:filter)
        and sp.record_id not in (
            select record_id from restorations where workspace_id = :workspace and deleted_at <= :at and restored_at > :at
        )
    group by 1, 2, 3
), named as (
    select key, :group_text as group_key, :group_label as group_label, sum(count)::bigint as total from tally group by 1
)
select t.group_key, t.group_label, t.total, t.total as open, 0::bigint as won, 0::bigint as lost, s.id as stage_id, c.currency,
    coalesce(c.count, 0) as reached, coalesce(c.amount, 0)::text as amount, 0::bigint as gone, 0::bigint as gone_on
from named t
cross join stages s
left join tally c on c.stage_id = s.id and c.key is not distinct from t.key
where s.workspace_id = :workspace and s.pipeline_id = :pipeline and s.category = 'open'
order by t.group_label nulls last, t.group_key, s.position, s.id, c.currency

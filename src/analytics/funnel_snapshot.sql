-- Records in each open stage at a point in time, read from the stage spans. Records that were deleted at that time
-- are excluded, even if they were restored later.
with standing as (
    select sp.stage_id, :records.id, :group_key as group_key, :group_label as group_label,
        :currency as currency, :amount as amount
    from stage_spans sp
    join :records on :records.workspace_id = sp.workspace_id and :records.id = sp.record_id
    :group_join
    where sp.workspace_id = :workspace and sp.pipeline_id = :pipeline and sp.entered_at <= :at
        and (sp.left_at is null or sp.left_at > :at) and (:records.deleted_at is null or :records.deleted_at > :at) and (:filter)
        and sp.record_id not in (
            select record_id from restorations where workspace_id = :workspace and deleted_at <= :at and restored_at > :at
        )
), open as (
    select st.* from standing st join stages s on s.workspace_id = :workspace and s.id = st.stage_id where s.category = 'open'
), tally as (
    select group_key, group_label, stage_id, currency, count(*) as count, sum(amount) as amount from open group by 1, 2, 3, 4
), total as (
    select group_key, group_label, sum(count)::bigint as total from tally group by 1, 2
)
select t.group_key, t.group_label, t.total, t.total as open, 0::bigint as won, 0::bigint as lost, s.id as stage_id, y.currency,
    coalesce(sum(y.count), 0)::bigint as reached, coalesce(sum(y.amount), 0)::text as amount, 0::bigint as gone, 0::bigint as gone_on
from total t
cross join stages s
left join tally y on y.stage_id = s.id and y.group_key is not distinct from t.group_key
where s.workspace_id = :workspace and s.pipeline_id = :pipeline and s.category = 'open'
group by t.group_key, t.group_label, t.total, s.id, s.position, y.currency
order by t.group_label nulls last, t.group_key, s.position

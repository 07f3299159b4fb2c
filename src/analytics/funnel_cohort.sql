-- Records created in the period. A record has reached a stage when it ever stood in it or in a later one that is not lost.
with picked as (
    select :records.id, :records.status, :group_key as group_key, :group_label as group_label,
        (select max(s.position) from stage_spans sp join stages s on s.workspace_id = sp.workspace_id and s.id = sp.stage_id
         where sp.workspace_id = :records.workspace_id and sp.record_id = :records.id and sp.pipeline_id = :pipeline
            and s.category <> 'lost') as furthest,
        :records.value_currency as currency, round(:records.value_amount * :share)::bigint as amount
    from :records :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and :records.pipeline_id = :pipeline
        and :records.created_at >= :from and :records.created_at < :to and (:filter)
), total as (
    select group_key, group_label, count(*) as total, count(*) filter (where status = 'open') as open,
        count(*) filter (where status = 'won') as won, count(*) filter (where status = 'lost') as lost
    from picked group by 1, 2
)
select t.group_key, t.group_label, t.total, t.open, t.won, t.lost, s.id as stage_id, p.currency,
    count(p.id) as reached, coalesce(sum(p.amount), 0)::bigint as amount, 0::bigint as gone, 0::bigint as gone_on
from total t
cross join stages s
left join picked p on p.group_key is not distinct from t.group_key
    and case when s.category = 'lost' then p.status = 'lost' else p.furthest >= s.position end
where s.workspace_id = :workspace and s.pipeline_id = :pipeline and s.deleted_at is null
group by t.group_key, t.group_label, t.total, t.open, t.won, t.lost, s.id, s.position, p.currency
order by t.group_label nulls last, s.position

-- Records created in the period. A record has reached a stage when it ever stood in it or in a later one that is not lost.
with picked as (
    select :records.id, :records.status, :group_key as group_key, :group_label as group_label,
        :currency as currency, round(:value * :share)::bigint as amount
    from :records :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and :records.pipeline_id = :pipeline
        and :records.created_at >= :from and :records.created_at < :to and (:filter)
), furthest as (
    select sp.record_id, max(s.position) as position
    from stage_spans sp join stages s on s.workspace_id = sp.workspace_id and s.id = sp.stage_id
    where sp.workspace_id = :workspace and sp.pipeline_id = :pipeline and s.category <> 'lost'
        and sp.record_id in (select id from picked)
    group by sp.record_id
), tally as (
    select p.group_key, p.group_label, p.status, f.position, p.currency, count(*) as count, coalesce(sum(p.amount), 0) as amount
    from picked p left join furthest f on f.record_id = p.id
    group by 1, 2, 3, 4, 5
), total as (
    select group_key, group_label, sum(count)::bigint as total, coalesce(sum(count) filter (where status = 'open'), 0)::bigint as open,
        coalesce(sum(count) filter (where status = 'won'), 0)::bigint as won,
        coalesce(sum(count) filter (where status = 'lost'), 0)::bigint as lost
    from tally group by 1, 2
)
select t.group_key, t.group_label, t.total, t.open, t.won, t.lost, s.id as stage_id, y.currency,
    coalesce(sum(y.count), 0)::bigint as reached, as_amount(coalesce(sum(y.amount), 0)) as amount, 0::bigint as gone, 0::bigint as gone_on
from total t
cross join stages s
left join tally y on y.group_key is not distinct from t.group_key
    and case when s.category = 'lost' then y.status = 'lost' else y.position >= s.position end
where s.workspace_id = :workspace and s.pipeline_id = :pipeline and s.deleted_at is null
group by t.group_key, t.group_label, t.total, t.open, t.won, t.lost, s.id, s.position, y.currency
order by t.group_label nulls last, t.group_key, s.position

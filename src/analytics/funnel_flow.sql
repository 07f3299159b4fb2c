-- Distinct records that entered each stage in the period; and of those that left it in the period, how many went forward.
with picked as (
    select :records.id, :records.status, :group_key as group_key, :group_label as group_label,
        :currency as currency, round(:value * :share)::bigint as amount
    from :records :group_join
    where :records.workspace_id = :workspace and :records.deleted_at is null and (:filter)
), moved as (
    select record_id from stage_spans
    where workspace_id = :workspace and pipeline_id = :pipeline and entered_at >= :from and entered_at < :to
    union
    select record_id from stage_spans
    where workspace_id = :workspace and pipeline_id = :pipeline and left_at >= :from and left_at < :to
), spans as (
    select sp.record_id, sp.stage_id, sp.entered_at, sp.left_at, s.position,
        lead(n.position) over w as next_position, lead(n.category) over w as next_category
    from stage_spans sp
    join stages s on s.workspace_id = sp.workspace_id and s.id = sp.stage_id
    join stages n on n.workspace_id = sp.workspace_id and n.id = sp.stage_id
    where sp.workspace_id = :workspace and sp.pipeline_id = :pipeline and sp.record_id in (select record_id from moved)
    window w as (partition by sp.record_id order by sp.entered_at, sp.id)
), moves as (
    select p.group_key, p.group_label, sp.stage_id, p.id, p.currency, p.amount, p.status,
        bool_or(sp.entered_at >= :from and sp.entered_at < :to) as entered,
        count(*) filter (where sp.left_at >= :from and sp.left_at < :to) as gone,
        count(*) filter (where sp.left_at >= :from and sp.left_at < :to and sp.next_position > sp.position
            and sp.next_category <> 'lost') as gone_on
    from picked p join spans sp on sp.record_id = p.id
    where (sp.entered_at >= :from and sp.entered_at < :to) or (sp.left_at >= :from and sp.left_at < :to)
    group by 1, 2, 3, 4, 5, 6, 7
), total as (
    select group_key, group_label, count(distinct id) filter (where entered) as total,
        count(distinct id) filter (where entered and status = 'open') as open,
        count(distinct id) filter (where entered and status = 'won') as won,
        count(distinct id) filter (where entered and status = 'lost') as lost
    from moves group by 1, 2
), tally as (
    select group_key, stage_id, currency, count(*) filter (where entered) as reached, sum(amount) filter (where entered) as amount,
        sum(gone) as gone, sum(gone_on) as gone_on
    from moves group by 1, 2, 3
)
select t.group_key, t.group_label, t.total, t.open, t.won, t.lost, s.id as stage_id, y.currency,
    coalesce(sum(y.reached), 0)::bigint as reached, as_amount(coalesce(sum(y.amount), 0)) as amount,
    coalesce(sum(y.gone), 0)::bigint as gone, coalesce(sum(y.gone_on), 0)::bigint as gone_on
from total t
cross join stages s
left join tally y on y.stage_id = s.id and y.group_key is not distinct from t.group_key
where s.workspace_id = :workspace and s.pipeline_id = :pipeline and s.deleted_at is null
group by t.group_key, t.group_label, t.total, t.open, t.won, t.lost, s.id, s.position, y.currency
order by t.group_label nulls last, t.group_key, s.position

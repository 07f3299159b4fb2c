-- For each member of a record: its last value that a change until an instant set, and its value before the first change
-- after the instant.
with changed as materialized (
    select e.at, e.record_version, e.id, pair.key as member, pair.value as pair
    from events e cross join lateral jsonb_each(e.changes) pair
    where e.workspace_id = :workspace and e.record_id = :record and e.record_kind = :kind
)
(select distinct on (member) true as until, member, pair -> 1 as value
 from changed where at <= :at
 order by member, at desc, record_version desc nulls first, id desc)
union all
(select distinct on (member) false, member, pair -> 0
 from changed where at > :at
 order by member, at, record_version nulls last, id)

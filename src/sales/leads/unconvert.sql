-- What the conversion of a lead wrote: the events of its transaction.
select e.record_kind, e.record_id, e.type as type, e.record_version, e.changes from events e
where e.workspace_id = :workspace and e.xid = (
    select c.xid from events c
    where c.workspace_id = :workspace and c.record_kind = 'lead' and c.record_id = :lead and c.type = 'lead.converted'
    order by c.at desc, c.id desc limit 1
)
order by e.seq

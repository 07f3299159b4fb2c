-- What must hold in every database, whatever happened to it. Each query answers the rows that are wrong; by hand:
-- psql -X -A -t -f invariants.sql "postgresql:///postgres?host=.voronka/postgres&user=voronka"
\pset pager off

\echo -- every reference leads to a row
select format('select %L, count(*) from %s c left join %s p on %s where %s and p.%I is null having count(*) > 0',
    k.conname, k.conrelid::regclass, k.confrelid::regclass,
    string_agg(format('p.%I = c.%I', parent.attname, child.attname), ' and '),
    string_agg(format('c.%I is not null', child.attname), ' and '), min(parent.attname))
from pg_constraint k
cross join unnest(k.conkey, k.confkey) as key (child, parent)
join pg_attribute child on child.attrelid = k.conrelid and child.attnum = key.child
join pg_attribute parent on parent.attrelid = k.confrelid and parent.attnum = key.parent
where k.contype = 'f'
group by k.oid, k.conname, k.conrelid, k.confrelid
\gexec

\echo -- every reference between tables of a workspace stays in the workspace
select k.conname from pg_constraint k
where k.contype = 'f'
    and exists (select from pg_attribute a where a.attrelid = k.conrelid and a.attname = 'workspace_id' and not a.attisdropped)
    and exists (select from pg_attribute a where a.attrelid = k.confrelid and a.attname = 'workspace_id' and not a.attisdropped)
    and not exists (select from pg_attribute a where a.attrelid = k.conrelid and a.attname = 'workspace_id' and a.attnum = any (k.conkey));

\echo -- indexes agree with their tables
begin;
set local client_min_messages = error;
create extension if not exists amcheck;
create function pg_temp.damage(index regclass) returns text language plpgsql as
    $$ begin perform bt_index_check(index, true); return null; exception when others then return sqlerrm; end $$;
select i.indexrelid::regclass, pg_temp.damage(i.indexrelid)
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam join pg_namespace n on n.oid = c.relnamespace
where a.amname = 'btree' and n.nspname = 'public' and i.indisvalid and pg_temp.damage(i.indexrelid) is not null;
rollback;

\echo -- a key that was kept stands for one record, which was made once
with kept as (
    select workspace_id, key, convert_from(body, 'UTF8')::jsonb ->> 'id' as id, split_part(location, '/', 4) as path
    from idempotency_keys where status = 201 and location is not null
), twice as (
    select workspace_id, path, id, array_agg(key) as keys from kept group by 1, 2, 3 having count(*) > 1
)
select 'twice', path, id, keys::text from twice
union all
select 'nothing made', path, id, key from kept k
where not exists (select from events e where e.workspace_id = k.workspace_id and e.record_id = k.id::uuid and e.type like '%.created')
    and path in ('contacts', 'companies', 'leads', 'deals', 'tasks', 'activities', 'products', 'files');

\echo -- every version of a record has its event
with records (kind, workspace_id, id, version) as (
    select 'contact', workspace_id, id, version from contacts union all
    select 'company', workspace_id, id, version from companies union all
    select 'lead', workspace_id, id, version from leads union all
    select 'deal', workspace_id, id, version from deals union all
    select 'task', workspace_id, id, version from tasks union all
    select 'activity', workspace_id, id, version from activities union all
    select 'product', workspace_id, id, version from products union all
    select 'file', workspace_id, id, version from files
), told as (
    select workspace_id, record_kind, record_id, count(*) as events, count(*) filter (where type like '%.created') as created
    from events group by 1, 2, 3
)
select r.kind, r.id, r.version, t.events, t.created
from records r left join told t on t.workspace_id = r.workspace_id and t.record_kind = r.kind and t.record_id = r.id
where t.events is distinct from r.version or t.created is distinct from 1;

\echo -- every event is about a record
select e.type, e.record_id from events e
where not exists (
    select from contacts r where r.workspace_id = e.workspace_id and r.id = e.record_id union all
    select from companies r where r.workspace_id = e.workspace_id and r.id = e.record_id union all
    select from leads r where r.workspace_id = e.workspace_id and r.id = e.record_id union all
    select from deals r where r.workspace_id = e.workspace_id and r.id = e.record_id union all
    select from tasks r where r.workspace_id = e.workspace_id and r.id = e.record_id union all
    select from activities r where r.workspace_id = e.workspace_id and r.id = e.record_id union all
    select from files r where r.workspace_id = e.workspace_id and r.id = e.record_id
) and e.record_kind in ('contact', 'company', 'lead', 'deal', 'task', 'activity', 'file');

\echo -- what the last event says of a member is what the record holds
with members (kind, workspace_id, id, member, held) as (
    select 'contact', workspace_id, id, 'position', position from contacts union all
    select 'company', workspace_id, id, 'sector', sector from companies union all
    select 'deal', workspace_id, id, 'stage_id', stage_id::text from deals union all
    select 'deal', workspace_id, id, 'title', title from deals union all
    select 'lead', workspace_id, id, 'stage_id', stage_id::text from leads union all
    select 'task', workspace_id, id, 'status', status from tasks
), told as (
    select distinct on (m.kind, m.id, m.member) m.*, e.changes -> m.member ->> 1 as told
    from members m join events e on e.workspace_id = m.workspace_id and e.record_id = m.id and e.changes ? m.member
    order by m.kind, m.id, m.member, e.seq desc
)
select kind, id, member, told, held from told where told is distinct from held;

\echo -- the feed lets one put the changes of a record in order: by version, if it tells one, else by its own order
with told as (
    select e.record_kind, e.record_id, c.member, c.pair -> 0 as before, lag(c.pair -> 1) over (
        partition by e.workspace_id, e.record_id, c.member order by e.record_version, e.xid, e.seq) as told
    from events e cross join jsonb_each(e.changes) c (member, pair)
    where c.member in ('position', 'sector', 'stage_id', 'status', 'title')
)
select record_kind, record_id, member, told, before from told where told is not null and told <> before;

\echo -- a record was changed last when its last event says
with records (workspace_id, id, updated_at) as (
    select workspace_id, id, updated_at from contacts union all
    select workspace_id, id, updated_at from companies union all
    select workspace_id, id, updated_at from leads union all
    select workspace_id, id, updated_at from deals union all
    select workspace_id, id, updated_at from tasks
)
select e.record_kind, e.record_id, r.updated_at, max(e.at) from records r
join events e on e.workspace_id = r.workspace_id and e.record_id = r.id and e.type not like '%.deleted'
group by e.record_kind, e.record_id, r.updated_at having r.updated_at < max(e.at);

\echo -- the feed has an order
select workspace_id, xid, seq, count(*) from events group by 1, 2, 3 having count(*) > 1;

\echo -- a deal or lead has the status of its stage
select 'deal', d.id, d.status, s.category from deals d join stages s on s.workspace_id = d.workspace_id and s.id = d.stage_id
where s.category <> d.status or s.pipeline_id <> d.pipeline_id or (s.deleted_at is not null and d.deleted_at is null)
union all
select 'lead', l.id, l.status, s.category from leads l join stages s on s.workspace_id = l.workspace_id and s.id = l.stage_id
where s.category <> l.status or s.pipeline_id <> l.pipeline_id or (s.deleted_at is not null and l.deleted_at is null);

\echo -- a deal or lead stands in one span: that of its stage, since it entered it
with records as (
    select workspace_id, id, pipeline_id, stage_id, stage_entered_at from deals union all
    select workspace_id, id, pipeline_id, stage_id, stage_entered_at from leads
)
select r.id, count(s.id) from records r
left join stage_spans s on s.workspace_id = r.workspace_id and s.record_id = r.id and s.left_at is null
    and s.stage_id = r.stage_id and s.pipeline_id = r.pipeline_id
    and abs(extract(epoch from s.entered_at - r.stage_entered_at)) < 1
group by r.workspace_id, r.id having count(s.id) <> 1;

\echo -- the spans of a record follow each other without a gap
select record_id, left_at, next from (
    select record_id, left_at, lead(entered_at) over (partition by workspace_id, record_id order by entered_at, left_at nulls last, id) as next
    from stage_spans
) s where left_at is distinct from next;

\echo -- every span is of a record
select s.record_id from stage_spans s
where not exists (select from deals d where d.workspace_id = s.workspace_id and d.id = s.record_id)
    and not exists (select from leads l where l.workspace_id = s.workspace_id and l.id = s.record_id);

\echo -- stages have places of their own
select workspace_id, pipeline_id, position, count(*) from stages where deleted_at is null group by 1, 2, 3 having count(*) > 1;

\echo -- the next task of a record is the first of its open ones
-- Contacts, companies and deals count the tasks of what belongs to them (src/db/related).
with open_tasks as (select * from tasks where status = 'open' and deleted_at is null),
origins as (
    select t.workspace_id, t.id as task, l.contact_id, l.company_id, l.converted_deal_id, l.id = t.lead_id as direct
    from open_tasks t join leads l on l.workspace_id = t.workspace_id and (l.id = t.lead_id or l.converted_deal_id = t.deal_id)
    where l.deleted_at is null
        and (l.id = t.lead_id or exists (select 1 from deals d where d.workspace_id = t.workspace_id and d.id = t.deal_id and d.deleted_at is null))
), belonging (workspace_id, task, kind, id) as (
    select workspace_id, id, 'contact', contact_id from open_tasks union
    select workspace_id, task, 'contact', contact_id from origins union
    select t.workspace_id, t.id, 'contact', x.contact_id from open_tasks t
        join deal_contacts x on x.workspace_id = t.workspace_id and x.deal_id = t.deal_id
        join deals d on d.workspace_id = t.workspace_id and d.id = t.deal_id and d.deleted_at is null union
    select workspace_id, id, 'company', company_id from open_tasks union
    select workspace_id, task, 'company', company_id from origins union
    select t.workspace_id, t.id, 'company', c.company_id from open_tasks t
        join contacts c on c.workspace_id = t.workspace_id and c.id = t.contact_id and c.deleted_at is null union
    select t.workspace_id, t.id, 'company', d.company_id from open_tasks t
        join deals d on d.workspace_id = t.workspace_id and d.id = t.deal_id and d.deleted_at is null union
    select workspace_id, id, 'lead', lead_id from open_tasks union
    select workspace_id, id, 'deal', deal_id from open_tasks union
    select workspace_id, task, 'deal', converted_deal_id from origins where direct
), records (kind, workspace_id, id, next_task_id, next_task_at, next_task_on) as (
    select 'contact', workspace_id, id, next_task_id, next_task_at, next_task_on from contacts union all
    select 'company', workspace_id, id, next_task_id, next_task_at, next_task_on from companies union all
    select 'lead', workspace_id, id, next_task_id, next_task_at, next_task_on from leads union all
    select 'deal', workspace_id, id, next_task_id, next_task_at, next_task_on from deals
), first as (
    select distinct on (b.workspace_id, b.kind, b.id) b.workspace_id, b.kind, b.id, t.id as task, t.due_end, t.due_date
    from belonging b join open_tasks t on t.workspace_id = b.workspace_id and t.id = b.task
    order by b.workspace_id, b.kind, b.id, t.due_end nulls last, t.id
)
select kind, id, r.next_task_id, r.next_task_at, f.task, f.due_end from records r left join first f using (workspace_id, kind, id)
where (r.next_task_id, r.next_task_at, r.next_task_on) is distinct from (f.task, f.due_end, f.due_date);

\echo -- the contacts of a deal are its links
select d.id, d.contacts from deals d
where (select coalesce(array_agg(x.contact_id order by x.contact_id), '{}') from deal_contacts x where x.workspace_id = d.workspace_id and x.deal_id = d.id)
    is distinct from (select coalesce(array_agg((c ->> 'contact_id')::uuid order by (c ->> 'contact_id')::uuid), '{}') from jsonb_array_elements(d.contacts) c);

\echo -- a lead became one deal, and is won
select id, status, converted_at, converted_deal_id from leads where converted_at is not null and status <> 'won'
union all
select id, status, converted_at, converted_deal_id from leads where converted_deal_id is not null and converted_at is null;

\echo -- two conversions make two deals
select workspace_id, converted_deal_id, count(*) from leads where converted_deal_id is not null group by 1, 2 having count(*) > 1;

\echo -- numbers are counted without a gap
select 'deal', workspace_id, count(*), max(substr(number, 3)::bigint) from deals group by workspace_id having count(*) <> max(substr(number, 3)::bigint)
union all
select 'lead', workspace_id, count(*), max(substr(number, 3)::bigint) from leads group by workspace_id having count(*) <> max(substr(number, 3)::bigint)
union all
select c.kind, c.workspace_id, c.last, 0 from counters c
where c.last <> case c.kind when 'deal' then (select count(*) from deals d where d.workspace_id = c.workspace_id)
    when 'lead' then (select count(*) from leads l where l.workspace_id = c.workspace_id) else c.last end;

\echo -- an address of e-mail belongs to one contact
select workspace_id, lower(email), count(*) from contacts where deleted_at is null and email is not null group by 1, 2 having count(*) > 1;

\echo -- a session has at most one refresh token that was not used
select session_id, count(*) from refresh_tokens where used_at is null group by 1 having count(*) > 1;

\echo -- a job that succeeded did all of it, and one that runs is somebody's
select id, kind, status, done, total, attempts, lease_until from jobs
where (status = 'succeeded' and kind in ('import', 'bulk') and done is distinct from total) or (status = 'running' and lease_until < now() - interval '30 seconds');

\echo -- an import is where its job is
select i.id, i.status, j.status from imports i join jobs j on j.id = i.job_id
where (j.status = 'succeeded') <> (i.status in ('done', 'rehearsed'));

\echo -- the sums of the rows are those that their indexes give
set enable_seqscan = off;
select workspace_id, stage_id, count(*), sum(value_amount) into temp by_index from deals where deleted_at is null and created_at > '2000-01-01' group by 1, 2;
set enable_seqscan = on; set enable_indexscan = off; set enable_indexonlyscan = off; set enable_bitmapscan = off;
(table by_index except select workspace_id, stage_id, count(*), sum(value_amount) from deals where deleted_at is null group by 1, 2)
union all
(select workspace_id, stage_id, count(*), sum(value_amount) from deals where deleted_at is null group by 1, 2 except table by_index);
reset all;

-- What an import wrote: a row per event with a version. With the events it is enough to undo the import; it quotes
-- nothing of the records, so that an erasure need not look here.
create table import_records (
    workspace_id uuid not null,
    import_id uuid not null,
    kind text not null,
    record_id uuid not null,
    -- The version that the import gave the record.
    version bigint not null,
    -- Whether the import created the record with this version.
    created boolean not null,
    -- Whether the change was taken back.
    undone boolean not null default false,
    -- The last job that tried to take it back.
    tried_by uuid,
    constraint import_records_pkey primary key (workspace_id, import_id, kind, record_id, version),
    constraint import_records_import_id_fkey foreign key (workspace_id, import_id) references imports on delete cascade
);
create index import_records_left on import_records (workspace_id, import_id, kind, created, record_id) where not undone;

alter table imports add column undo jsonb;

-- Earlier imports, as far as their jobs are still known.
with runs as (
    select workspace_id, id as import_id, job_id from imports where job_id is not null
    union
    select j.workspace_id, i.id, j.id from jobs j
    join imports i on i.workspace_id = j.workspace_id and i.id::text = j.args ->> 'import_id'
    where j.kind = 'import'
)
insert into import_records (workspace_id, import_id, kind, record_id, version, created)
select e.workspace_id, r.import_id, e.record_kind, e.record_id, e.record_version, e.type = e.record_kind || '.created'
from runs r
join events e on e.workspace_id = r.workspace_id and e.request_id = 'job-' || r.job_id
where e.actor_kind = 'import' and e.record_version is not null
on conflict do nothing;

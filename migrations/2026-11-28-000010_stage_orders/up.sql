-- The order of a pipeline's stages, each time it changed. A span keeps the order in which its record moved, so that a later order or a
-- removed stage changes nothing about how far records came.
create table stage_orders (
    workspace_id uuid not null references workspaces (id),
    id uuid not null,
    pipeline_id uuid not null,
    stage_ids uuid[] not null,
    created_at timestamptz(3) not null,
    constraint stage_orders_pkey primary key (workspace_id, id),
    constraint stage_orders_pipeline_id_fkey foreign key (workspace_id, pipeline_id) references pipelines
);
create index stage_orders_by_pipeline on stage_orders (workspace_id, pipeline_id);

-- The order in force, the same for all stages of a pipeline; of a removed stage the last one that it was part of.
alter table stages add column order_id uuid;
alter table stage_spans add column order_id uuid;

-- Earlier orders were not kept: what has moved did so in the order of today. A stage that was removed is followed by those that stood
-- behind it, and nothing is taken to have been before it.
with orders as (
    select s.workspace_id, s.pipeline_id, gen_random_uuid() as id, array_agg(s.id order by s.position, s.id) as stage_ids
    from stages s where s.deleted_at is null
    group by s.workspace_id, s.pipeline_id
    union all
    select gone.workspace_id, gone.pipeline_id, gen_random_uuid(), gone.id || array(
        select s.id from stages s
        where s.workspace_id = gone.workspace_id and s.pipeline_id = gone.pipeline_id and s.deleted_at is null and s.position > gone.position
        order by s.position, s.id
    )
    from stages gone where gone.deleted_at is not null
)
insert into stage_orders (workspace_id, id, pipeline_id, stage_ids, created_at)
select workspace_id, id, pipeline_id, stage_ids, now() from orders;

update stages s set order_id = o.id from stage_orders o
where o.workspace_id = s.workspace_id and o.pipeline_id = s.pipeline_id
    and case when s.deleted_at is null then s.id = any (o.stage_ids) and o.stage_ids <@ array(
            select l.id from stages l where l.workspace_id = s.workspace_id and l.pipeline_id = s.pipeline_id and l.deleted_at is null
        ) else o.stage_ids[1] = s.id end;
update stage_spans sp set order_id = s.order_id from stages s where s.workspace_id = sp.workspace_id and s.id = sp.stage_id;

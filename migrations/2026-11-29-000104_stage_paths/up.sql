-- What funnels and loss reasons need of the history of a record, so that they read records and not all their spans.
-- See docs/decisions/0045.

-- The place of each stage in each order, and the stages that a record passes by entering it there: open stages before
-- it, and itself.
create table stage_places (
    workspace_id uuid not null,
    order_id uuid not null,
    stage_id uuid not null,
    rank integer not null,
    passed uuid[] not null,
    constraint stage_places_pkey primary key (workspace_id, order_id, stage_id),
    constraint stage_places_order_id_fkey foreign key (workspace_id, order_id) references stage_orders
);

create function place_stages(workspace uuid, placed_order uuid) returns void language sql as $$
    insert into stage_places (workspace_id, order_id, stage_id, rank, passed)
    select o.workspace_id, o.id, slot.id, slot.rank, array(
        select before.id from unnest(o.stage_ids) with ordinality before (id, rank)
        join stages s on s.workspace_id = o.workspace_id and s.id = before.id
        where before.id = slot.id or (before.rank < slot.rank and s.category = 'open')
    )
    from stage_orders o cross join lateral unnest(o.stage_ids) with ordinality slot (id, rank)
    where o.workspace_id = workspace and o.id = placed_order
$$;
select place_stages(workspace_id, id) from stage_orders;

-- Each set of stages that some record has reached in its pipeline. There are few: records refer to them.
create table stage_paths (
    workspace_id uuid not null,
    id bigint generated always as identity,
    stage_ids uuid[] not null,
    constraint stage_paths_pkey primary key (workspace_id, id),
    constraint stage_paths_workspace_id_fkey foreign key (workspace_id) references workspaces (id)
);
create function stage_path_key(stage_ids uuid[]) returns text language sql immutable parallel safe as $$
    select md5(array_to_string(stage_ids, ','))
$$;
create unique index stage_paths_key on stage_paths (workspace_id, stage_path_key(stage_ids));

alter table deals add column stage_path_id bigint, add column last_open_stage_id uuid;
alter table leads add column stage_path_id bigint, add column last_open_stage_id uuid;
alter table stage_spans
    add column left_forward boolean not null default false,
    add column stage_entered_before timestamptz(3),
    add column pipeline_entered_before timestamptz(3);
comment on column stage_spans.left_forward is 'whether the record left to a later stage of the same pipeline that is not lost';
comment on column stage_spans.stage_entered_before is 'when the record entered the same stage the last time before';
comment on column stage_spans.pipeline_entered_before is 'when the record entered a stage of the same pipeline the last time before';

-- Computes these columns of the records and their spans. Only changed rows are written.
create function follow_stage_spans(workspaces uuid[], record_ids uuid[]) returns void language plpgsql
    set plan_cache_mode = force_generic_plan as $$
begin
    with changed as materialized (
        select distinct w as workspace_id, r as record_id from unnest(workspaces, record_ids) changed (w, r)
    ), spans as materialized (
        select sp.workspace_id, sp.record_id, sp.id, sp.pipeline_id, sp.stage_id, sp.order_id, s.category, place.rank,
            case when s.category <> 'lost' then coalesce(place.passed, array[sp.stage_id]) end as passed,
            lead(sp.pipeline_id) over history as next_pipeline, lead(sp.stage_id) over history as next_stage,
            lead(sp.order_id) over history as next_order, lead(s.category) over history as next_category,
            lag(sp.entered_at) over in_stage as stage_before, lag(sp.entered_at) over in_pipeline as pipeline_before,
            row_number() over history as step,
            last_value(sp.pipeline_id) over (
                partition by sp.record_id order by sp.left_at is null, sp.entered_at, sp.id
                rows between unbounded preceding and unbounded following
            ) as present_pipeline
        from changed c
        join stage_spans sp on sp.workspace_id = c.workspace_id and sp.record_id = c.record_id
        join stages s on s.workspace_id = sp.workspace_id and s.id = sp.stage_id
        left join stage_places place
            on place.workspace_id = sp.workspace_id and place.order_id = sp.order_id and place.stage_id = sp.stage_id
        window history as (partition by sp.record_id order by sp.entered_at, sp.left_at nulls last, sp.id),
            in_stage as (partition by sp.record_id, sp.stage_id order by sp.entered_at, sp.left_at nulls last, sp.id),
            in_pipeline as (partition by sp.record_id, sp.pipeline_id order by sp.entered_at, sp.left_at nulls last, sp.id)
    ), moves as (
        -- Forward in the order at the time of the move. If that order lacks the stage that was left, the order at the
        -- time of entering it. A move because a stage was deleted has no order and is not forward.
        select sp.workspace_id, sp.id, sp.stage_before, sp.pipeline_before,
            coalesce(sp.category = 'open' and sp.next_category <> 'lost' and sp.next_pipeline = sp.pipeline_id
                and coalesce(then_to.rank > then_from.rank, own_to.rank > sp.rank), false) as forward
        from spans sp
        left join stage_places then_from on then_from.workspace_id = sp.workspace_id
            and then_from.order_id = sp.next_order and then_from.stage_id = sp.stage_id
        left join stage_places then_to on then_to.workspace_id = sp.workspace_id
            and then_to.order_id = sp.next_order and then_to.stage_id = sp.next_stage
        left join stage_places own_to on own_to.workspace_id = sp.workspace_id
            and own_to.order_id = sp.order_id and own_to.stage_id = sp.next_stage and sp.next_order is not null
    ), marked as (
        update stage_spans t set left_forward = m.forward, stage_entered_before = m.stage_before,
            pipeline_entered_before = m.pipeline_before
        from moves m
        where t.workspace_id = m.workspace_id and t.id = m.id
            and (t.left_forward, t.stage_entered_before, t.pipeline_entered_before)
                is distinct from (m.forward, m.stage_before, m.pipeline_before)
    ), histories as (
        select sp.workspace_id, sp.record_id,
            array_agg(distinct reached order by reached) filter (where reached is not null) as stage_ids,
            (array_agg(sp.stage_id order by sp.step desc) filter (where sp.category = 'open'))[1] as last_open
        from spans sp
        left join lateral unnest(case when sp.pipeline_id = sp.present_pipeline then sp.passed end) reached on true
        group by sp.workspace_id, sp.record_id
    ), known as materialized (
        select h.*, k.id from histories h
        left join stage_paths k
            on k.workspace_id = h.workspace_id and stage_path_key(k.stage_ids) = stage_path_key(h.stage_ids)
    ), added as (
        -- The update returns the path that another transaction has added meanwhile.
        insert into stage_paths as k (workspace_id, stage_ids)
        select distinct workspace_id, stage_ids from known where id is null and stage_ids is not null order by stage_ids
        on conflict (workspace_id, stage_path_key(stage_ids)) do update set stage_ids = excluded.stage_ids
        returning k.workspace_id, k.stage_ids, k.id
    ), progress as materialized (
        select k.workspace_id, k.record_id, k.last_open, coalesce(k.id, a.id) as path_id
        from known k left join added a on k.id is null and a.workspace_id = k.workspace_id and a.stage_ids = k.stage_ids
    ), of_deals as (
        update deals d set stage_path_id = p.path_id, last_open_stage_id = p.last_open from progress p
        where d.workspace_id = p.workspace_id and d.id = p.record_id
            and (d.stage_path_id, d.last_open_stage_id) is distinct from (p.path_id, p.last_open)
    )
    update leads l set stage_path_id = p.path_id, last_open_stage_id = p.last_open from progress p
    where l.workspace_id = p.workspace_id and l.id = p.record_id
        and (l.stage_path_id, l.last_open_stage_id) is distinct from (p.path_id, p.last_open);
end $$;

create function stage_spans_changed() returns trigger language plpgsql as $$
begin
    perform follow_stage_spans(array_agg(workspace_id), array_agg(record_id)) from changed having count(*) > 0;
    return null;
end $$;
create trigger stage_spans_added after insert on stage_spans
    referencing new table as changed for each statement execute function stage_spans_changed();
-- A change of the end alone changes nothing: it comes with the next span.
create function stage_spans_rewritten() returns trigger language plpgsql as $$
begin
    perform follow_stage_spans(array_agg(n.workspace_id), array_agg(n.record_id))
    from changed n join former o on o.workspace_id = n.workspace_id and o.id = n.id
    where (o.entered_at, o.pipeline_id, o.stage_id, o.order_id) is distinct from (n.entered_at, n.pipeline_id, n.stage_id, n.order_id)
    having count(*) > 0;
    return null;
end $$;
create trigger stage_spans_rewritten after update on stage_spans
    referencing old table as former new table as changed for each statement execute function stage_spans_rewritten();
create trigger stage_spans_removed after delete on stage_spans
    referencing old table as changed for each statement execute function stage_spans_changed();

-- Sets the path of a record that enters a stage in the ordinary way, in the same write. Otherwise nearly every record
-- would be written twice. `follow_stage_spans` corrects the other cases.
create function enter_stage() returns trigger language plpgsql as $$
declare
    reached uuid[];
    outcome text;
begin
    if tg_op = 'UPDATE' and new.stage_id = old.stage_id then
        return new;
    end if;
    select s.category, p.passed into outcome, reached
    from stages s left join stage_places p on p.workspace_id = s.workspace_id and p.order_id = s.order_id and p.stage_id = s.id
    where s.workspace_id = new.workspace_id and s.id = new.stage_id;
    if outcome = 'open' then
        new.last_open_stage_id := new.stage_id;
    end if;
    if outcome = 'lost' then
        reached := null;
    end if;
    if tg_op = 'UPDATE' and new.pipeline_id = old.pipeline_id and old.stage_path_id is not null then
        select array_agg(distinct stage order by stage) into reached
        from stage_paths k cross join lateral unnest(k.stage_ids || reached) stage
        where k.workspace_id = new.workspace_id and k.id = old.stage_path_id;
    else
        select array_agg(distinct stage order by stage) into reached from unnest(reached) stage;
    end if;
    new.stage_path_id := (
        select k.id from stage_paths k
        where k.workspace_id = new.workspace_id and stage_path_key(k.stage_ids) = stage_path_key(reached)
    );
    return new;
end $$;
create trigger deals_enter_stage before insert or update of stage_id on deals
    for each row execute function enter_stage();
create trigger leads_enter_stage before insert or update of stage_id on leads
    for each row execute function enter_stage();

drop index stage_spans_flow;
create index stage_spans_entered on stage_spans (workspace_id, pipeline_id, entered_at)
    include (stage_id, record_id, stage_entered_before, pipeline_entered_before);
create index stage_spans_left on stage_spans (workspace_id, pipeline_id, left_at)
    include (stage_id, record_id, entered_at, left_forward, length_unknown) where left_at is not null;
create index stage_spans_standing on stage_spans (workspace_id, stage_id, entered_at)
    include (record_id) where left_at is null;

insert into backfills (name) values ('stage_paths');

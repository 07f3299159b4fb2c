-- The place of a card in the column of its stage: lower is higher up. New cards come first. The unit is 1/1024 ms, so that
-- many cards fit between two that came at different times.
create function board_top() returns bigint language sql volatile
    as $$ select -(extract(epoch from clock_timestamp()) * 1000)::bigint * 1024 $$;
alter table deals add column board_position bigint not null default 0;
alter table leads add column board_position bigint not null default 0;
update deals set board_position = -(extract(epoch from stage_entered_at) * 1000)::bigint * 1024;
update leads set board_position = -(extract(epoch from stage_entered_at) * 1000)::bigint * 1024;
alter table deals alter column board_position set default board_top();
alter table leads alter column board_position set default board_top();

create index deals_on_board on deals (workspace_id, stage_id, board_position, id) where deleted_at is null;
create index leads_on_board on leads (workspace_id, stage_id, board_position, id) where deleted_at is null;
-- The sums of a column without reading the rows.
create index deals_open_values on deals (workspace_id, pipeline_id, stage_id, value_currency)
    include (value_amount, probability_percent, owner_id) where status = 'open' and deleted_at is null;
create index leads_open_values on leads (workspace_id, pipeline_id, stage_id, value_currency)
    include (value_amount, owner_id) where status = 'open' and deleted_at is null;

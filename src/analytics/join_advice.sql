-- Of a workspace that has just been filled the planner knows nothing: it would expect one row, and compare every record with every
-- span. Where there are few rows, hash joins cost next to nothing whatever the planner believes; where there are many, it knows.
select set_config('enable_nestloop', case when count(*) > 50000 then 'on' else 'off' end, true) from (
    (select 1 from stage_spans where workspace_id = :workspace limit 50001)
    union all (select 1 from companies where workspace_id = :workspace limit 50001)
) rows

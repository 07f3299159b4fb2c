-- The planner has no statistics of a workspace that has just been filled: it would expect one row and choose a nested
-- loop over all records and spans. With few rows hash joins are always cheap; with many rows the statistics are
-- available.
-- Sorts and hashes of a report may use more memory than those of other statements; few reports run at once.
select set_config('work_mem', '64MB', true), set_config('enable_nestloop', case when count(*) > 50000 then 'on' else 'off' end, true) from (
    (select 1 from stage_spans where workspace_id = :workspace limit 50001)
    union all (select 1 from companies where workspace_id = :workspace limit 50001)
) rows

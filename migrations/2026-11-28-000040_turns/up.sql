-- Workspaces take turns: the one whose work was begun longest ago comes first, in each lane. `urgent` is what somebody waits for at a
-- screen, `errand` what is short, `work` the rest.
alter table jobs add column lane text not null default 'work';
alter table jobs add column taken_at timestamptz(3);
alter table jobs add constraint jobs_lane_check check (lane in ('urgent', 'errand', 'work'));
update jobs set lane = 'errand' where kind in ('letter', 'purge_files');
update jobs set taken_at = updated_at where status <> 'queued';
drop index jobs_waiting;
create index jobs_open on jobs (workspace_id, lane, taken_at nulls first, created_at, id) where status in ('queued', 'running');
create index jobs_running on jobs (workspace_id, lane) where status = 'running';
create index jobs_taken on jobs (workspace_id, lane, taken_at);

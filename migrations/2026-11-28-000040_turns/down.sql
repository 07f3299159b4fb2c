drop index jobs_taken;
drop index jobs_running;
drop index jobs_open;
create index jobs_waiting on jobs (created_at) where status in ('queued', 'running');
alter table jobs drop constraint jobs_lane_check;
alter table jobs drop column taken_at;
alter table jobs drop column lane;

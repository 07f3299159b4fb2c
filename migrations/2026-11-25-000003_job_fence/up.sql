-- A worker that was paused may wake up when another has taken its job: each takes the job with a number of its own, and a
-- statement of the one that lost it changes nothing. `attempts` counts from 0 again after progress.
alter table jobs add column taken integer not null default 0;

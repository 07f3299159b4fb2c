drop function redact_events(uuid, uuid[]);
drop function refresh_statistics();
drop index events_by_time;
alter table events drop column redacted_at;
alter table events drop column address;

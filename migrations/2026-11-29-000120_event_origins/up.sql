-- Events also say through which API key or job a user acted. Older events do not say it.
alter table events
    add column api_key_id uuid,
    add column job_id uuid;

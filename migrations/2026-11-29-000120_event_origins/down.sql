alter table events
    drop column job_id,
    drop column api_key_id;

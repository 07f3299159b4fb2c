alter table jobs
    drop column api_key_id,
    drop column scopes,
    drop column revoked_at;

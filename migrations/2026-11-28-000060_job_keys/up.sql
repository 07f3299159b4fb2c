-- A job works with the rights of who asked for it: of a user who is not suspended, or of an API key that is still there.
alter table jobs
    add column api_key_id uuid,
    add column scopes text[],
    add column revoked_at timestamptz(3);

select exists (
    select from contact_emails where workspace_id = :workspace and contact_id <> :id
        and email in (select one ->> 'email' from jsonb_array_elements(:emails::jsonb) one)
) as taken

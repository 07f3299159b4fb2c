-- A saved answer is sent again only to a role that hides no more than when it was saved.
alter table idempotency_keys add column hidden_fields jsonb not null default '[]';

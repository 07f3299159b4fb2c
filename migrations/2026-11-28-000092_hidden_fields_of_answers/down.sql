alter table idempotency_keys drop column hidden_fields;

drop table jobs, import_problems, imports, activities, tasks, stage_spans, leads, line_items, deal_contacts, deals, loss_reasons,
    stages, pipelines, products, contacts, companies, sources, tags, counters, idempotency_keys, events, api_keys,
    refresh_tokens, sessions, users, teams, logins, workspaces;
drop function settled(bigint);
drop function fold(text);
drop extension unaccent;
drop extension pg_trgm;
drop extension btree_gin;

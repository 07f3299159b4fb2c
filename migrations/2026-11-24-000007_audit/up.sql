-- Events also say from where. What has happened is not changed afterwards: the server's role may add events, and through one narrow
-- function take out what a record held when a person is erased.

alter table events add column address text;
alter table events add column redacted_at timestamptz(3);
create index events_by_time on events (workspace_id, at, id);

create function redact_events(workspace uuid, records uuid[]) returns bigint
    language sql volatile security definer set search_path = public
    as $$
        with redacted as (
            update events set changes = '{}', redacted_at = now()
            where workspace_id = $1 and record_id = any($2) and changes <> '{}' returning 1
        )
        select count(*) from redacted
    $$;
-- Statistics belong to the owner of the tables too; a large import asks for them.
create function refresh_statistics() returns void
    language plpgsql volatile security definer set search_path = public
    as $$ begin analyze contacts, companies, leads, deals, stage_spans, line_items; end $$;
revoke all on function refresh_statistics() from public;
revoke all on function redact_events(uuid, uuid[]) from public;

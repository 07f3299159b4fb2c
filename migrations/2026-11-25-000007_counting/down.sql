create or replace function settled(bigint) returns boolean language sql volatile
    as $$ select $1 < pg_snapshot_xmin(pg_current_snapshot())::text::bigint $$;
alter table events alter xid set default (pg_current_xact_id()::text::bigint);
drop function counted_before;

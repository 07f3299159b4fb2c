-- Events are numbered by their transactions. A PostgreSQL into which a dump was loaded counts these anew, below the events that came
-- with the dump: this is added to the count, so that what happens next comes after what is there.
create function counted_before() returns bigint language sql immutable parallel safe as $$ select 0::bigint $$;
alter table events alter xid set default (counted_before() + pg_current_xact_id()::text::bigint);
create or replace function settled(bigint) returns boolean language sql volatile
    as $$ select $1 < counted_before() + pg_snapshot_xmin(pg_current_snapshot())::text::bigint $$;

-- During an import, the planner must know that the tables have grown: with the statistics of an empty table it checks each
-- foreign key by reading all rows of the workspace. Only the columns of the keys are analysed, and only tables of which
-- fewer rows are known than were imported; the addresses always, because they are looked up by workspace.
create function refresh_growing_statistics(imported bigint) returns void
    language plpgsql volatile security definer set search_path = public
    as $$
declare grown record;
begin
    for grown in
        select t.name, t.columns from (values
            ('contact_emails', 'workspace_id, email, contact_id'), ('contacts', 'workspace_id, id'), ('companies', 'workspace_id, id'),
            ('leads', 'workspace_id, id'), ('deals', 'workspace_id, id'), ('products', 'workspace_id, id')
        ) t (name, columns)
        join pg_class c on c.oid = t.name::regclass
        where c.reltuples < imported or t.name = 'contact_emails'
    loop
        execute format('analyze %I (%s)', grown.name, grown.columns);
    end loop;
end $$;
revoke all on function refresh_growing_statistics(bigint) from public;
drop function refresh_address_statistics();

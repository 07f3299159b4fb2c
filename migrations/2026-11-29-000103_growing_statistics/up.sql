-- During an import, the planner must know that the tables have grown: with the statistics of an empty table it checks each
-- foreign key by reading all rows of the workspace. Of large rows only the keys are analysed; companies, products and addresses
-- are looked up by other columns too. Tables of which more rows are known than were imported are left out, except addresses.
create function refresh_growing_statistics(imported bigint) returns void
    language plpgsql volatile security definer set search_path = public
    as $$
declare grown record;
begin
    for grown in
        select t.name, t.columns from (values
            ('contact_emails', ''), ('companies', ''), ('products', ''),
            ('contacts', '(workspace_id, id)'), ('leads', '(workspace_id, id)'), ('deals', '(workspace_id, id)')
        ) t (name, columns)
        join pg_class c on c.oid = t.name::regclass
        where c.reltuples < imported or t.name = 'contact_emails'
    loop
        execute format('analyze %I %s', grown.name, grown.columns);
    end loop;
end $$;
revoke all on function refresh_growing_statistics(bigint) from public;
drop function refresh_address_statistics();

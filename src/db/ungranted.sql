-- Checks whether the role of this connection lacks permissions that `voronka migrate --grant-to` grants.
select current_user::text as role,
    not has_schema_privilege('public', 'usage') or exists (
        select from pg_class c
        where c.relnamespace = 'public'::regnamespace
            and case
                when c.relkind not in ('r', 'p') then false
                when c.relname = '__diesel_schema_migrations' then not has_table_privilege(c.oid, 'select')
                when not (has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert')) then true
                when c.relname = any(:tables) then false
                else not (has_table_privilege(c.oid, 'update') and has_table_privilege(c.oid, 'delete'))
            end
    ) as lacks

do $own$ declare one record; begin
    for one in select format('alter table %s owner to {owner}', c.oid::regclass) as statement from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
        union all
        select format('alter collation %s owner to {owner}', c.oid::regcollation) from pg_collation c
        where c.collnamespace = 'public'::regnamespace
        union all
        select format('alter function %s owner to {owner}', p.oid::regprocedure) from pg_proc p
        where p.pronamespace = 'public'::regnamespace
            and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
    loop execute one.statement; end loop;
end $own$;

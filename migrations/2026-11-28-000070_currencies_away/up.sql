-- Amounts of records one step away name their currency too. Those that were kept before meant the workspace's own.
create function pg_temp.named(list jsonb, base text) returns jsonb language sql as $$
    select coalesce(jsonb_agg(
        case when one ->> 'field' ~ '^(deals[.]value|company[.]revenue)$' and one ->> 'op' <> 'empty'
            then jsonb_set(one, '{values}', coalesce(
                (select jsonb_agg(case when amount ~ '^-?[0-9]+$' then amount || ' ' || base else amount end order by n) from jsonb_array_elements_text(one -> 'values') with ordinality given (amount, n)), '[]'
            ))
            else one
        end order by place
    ), '[]')
    from jsonb_array_elements(coalesce(list, '[]')) with ordinality conditions (one, place)
$$;

create function pg_temp.named_all(selection jsonb, workspace uuid) returns jsonb language sql as $$
    select selection || jsonb_build_object(
        'all', pg_temp.named(selection -> 'all', w.base_currency),
        'any', pg_temp.named(selection -> 'any', w.base_currency),
        'none', pg_temp.named(selection -> 'none', w.base_currency)
    )
    from workspaces w where w.id = workspace
$$;

update views set selection = pg_temp.named_all(selection, workspace_id) where selection::text ~ '"(deals[.]value|company[.]revenue)"';
update segments set selection = pg_temp.named_all(selection, workspace_id) where selection::text ~ '"(deals[.]value|company[.]revenue)"';
update retention_rules set selection = pg_temp.named_all(selection, workspace_id) where selection::text ~ '"(deals[.]value|company[.]revenue)"';
drop function pg_temp.named_all(jsonb, uuid);
drop function pg_temp.named(jsonb, text);

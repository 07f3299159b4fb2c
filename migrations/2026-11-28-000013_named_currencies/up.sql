-- Amounts are compared within one currency by now, which a condition names. Those that were kept before meant the workspace's own.
create function pg_temp.named(list jsonb, amounts text[], base text) returns jsonb language sql as $$
    select coalesce(jsonb_agg(
        case when one ->> 'field' = any (amounts) and one ->> 'op' <> 'empty'
            then jsonb_set(one, '{values}', coalesce(
                (select jsonb_agg(case when amount ~ '^-?[0-9]+$' then amount || ' ' || base else amount end order by n) from jsonb_array_elements_text(one -> 'values') with ordinality given (amount, n)), '[]'
            ))
            else one
        end order by place
    ), '[]')
    from jsonb_array_elements(coalesce(list, '[]')) with ordinality conditions (one, place)
$$;

create function pg_temp.named_all(selection jsonb, workspace uuid, its_resource text) returns jsonb language sql as $$
    select selection || jsonb_build_object(
        'all', pg_temp.named(selection -> 'all', amounts, base),
        'any', pg_temp.named(selection -> 'any', amounts, base),
        'none', pg_temp.named(selection -> 'none', amounts, base)
    )
    from (
        select w.base_currency as base, array['value', 'revenue'] || array(
            select 'cf.' || f.key from custom_fields f where f.workspace_id = w.id and f.resource = its_resource and f.kind = 'money'
        ) as amounts
        from workspaces w where w.id = workspace
    ) known
$$;

update views set selection = pg_temp.named_all(selection, workspace_id, resource) where selection::text ~ '"(value|revenue|cf[.][^"]*)"';
update segments set selection = pg_temp.named_all(selection, workspace_id, resource) where selection::text ~ '"(value|revenue|cf[.][^"]*)"';
update retention_rules set selection = pg_temp.named_all(selection, workspace_id, resource) where selection::text ~ '"(value|revenue|cf[.][^"]*)"';

-- An order by amounts of several currencies is none: such a view has the usual order.
update views v set sort = null
where sort ~ '(^|,)-?(value|revenue)(,|$)' and not exists (
    select from jsonb_array_elements(v.selection -> 'all') one
    where one ->> 'field' in ('value', 'revenue') and one ->> 'op' <> 'empty' and jsonb_array_length(one -> 'values') = 1
        or one ->> 'field' = 'currency' and one ->> 'op' in ('eq', 'in') and jsonb_array_length(one -> 'values') = 1
);
drop function pg_temp.named_all(jsonb, uuid, text);
drop function pg_temp.named(jsonb, text[], text);

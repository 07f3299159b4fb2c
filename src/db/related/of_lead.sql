-- A lead by itself.
select 'lead' as kind, own.id from unnest(:ids) own (id)

-- A lead on its own.
select 'lead' as kind, own.id from unnest(:ids) own (id)

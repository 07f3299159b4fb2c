drop index files_opening;
drop index tasks_opening;
drop index contacts_first_name_opening;
drop index leads_by_number;
drop index leads_by_title;
drop index deals_by_number;
drop index deals_by_title;
drop index companies_by_sorted_name;
drop index contacts_by_last_name;
do $$
declare
    made text;
begin
    for made in select collname from pg_collation where collnamespace = 'public'::regnamespace and collname like 'sort\_%' loop
        execute format('drop collation public.%I', made);
    end loop;
end $$;

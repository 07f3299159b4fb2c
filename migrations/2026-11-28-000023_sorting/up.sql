-- Texts are sorted as the people of a workspace's country do, digits by the number they make (ICU, "kn").
do $$
declare
    language text;
begin
    foreach language in array array['und', 'ar', 'az', 'be', 'bg', 'bs', 'cs', 'da', 'el', 'es', 'et', 'fa', 'fi', 'he', 'hr', 'hu', 'hy', 'is', 'ja',
        'ka', 'kk', 'ko', 'lt', 'lv', 'mk', 'nb', 'pl', 'ro', 'ru', 'sk', 'sl', 'sq', 'sr', 'sv', 'tr', 'uk', 'zh', 'zh-Hant'] loop
        execute format('create collation public.%I (provider = icu, locale = %L)',
            'sort_' || case language when 'und' then 'root' else lower(replace(language, '-', '_')) end, language || '-u-kn-true');
    end loop;
end $$;

-- For the order of most languages; that of numbers is the same in all.
create index contacts_by_last_name on contacts (workspace_id, last_name collate sort_root, id);
create index companies_by_sorted_name on companies (workspace_id, name collate sort_root, id);
create index deals_by_title on deals (workspace_id, title collate sort_root, id);
create index deals_by_number on deals (workspace_id, number collate sort_root, id);
create index leads_by_title on leads (workspace_id, title collate sort_root, id);
create index leads_by_number on leads (workspace_id, number collate sort_root, id);

-- What is exactly the text that is asked for comes first.
create index contacts_first_name_opening on contacts (workspace_id, fold(first_name) text_pattern_ops);
create index tasks_opening on tasks (workspace_id, fold(title) text_pattern_ops);
create index files_opening on files (workspace_id, fold(name) text_pattern_ops);

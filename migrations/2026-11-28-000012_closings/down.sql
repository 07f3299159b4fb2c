alter table leads drop constraint leads_closed_by_id_fkey, drop column without_beginning, drop column closed_by_id;
alter table deals drop constraint deals_closed_by_id_fkey, drop column without_beginning, drop column closed_by_id;

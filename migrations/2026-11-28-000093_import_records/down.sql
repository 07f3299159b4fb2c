alter table imports drop column undo;
drop table import_records;

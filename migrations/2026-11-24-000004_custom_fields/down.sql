alter table deals drop column custom;
alter table leads drop column custom;
alter table companies drop column custom;
alter table contacts drop column custom;
drop table custom_fields;

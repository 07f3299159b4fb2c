alter table events drop column record_version;

drop table retention_rules;
drop table erasures;
drop table consent_records;

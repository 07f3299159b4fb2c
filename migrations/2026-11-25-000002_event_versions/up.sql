-- Two changes of one record may settle in another order than they were made in: the version of the record tells which was first.

alter table events add column record_version bigint;

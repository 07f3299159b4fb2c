alter table jobs drop column position;
alter table jobs drop column result;
drop table segment_members;
drop table segments;
drop table views;

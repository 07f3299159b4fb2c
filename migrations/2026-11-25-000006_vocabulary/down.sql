drop table words;
drop table vocabularies;
drop function gaps;

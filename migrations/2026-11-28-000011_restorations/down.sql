drop table restorations;

drop table letter_counts;

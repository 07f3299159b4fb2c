-- What a condition names stays named: the program before this one takes the amount for no number, and says so.
select;

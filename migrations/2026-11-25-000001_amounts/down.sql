drop function as_amount(numeric);

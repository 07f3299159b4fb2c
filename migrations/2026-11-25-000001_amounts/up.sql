-- A sum as an amount of money: one beyond the bounds of an amount (2^53 - 1, what every client's numbers hold) stays at the bound, so that
-- no record can make a report fail.

create function as_amount(total numeric) returns bigint
    language sql immutable parallel safe
    as $$ select least(greatest(round($1), -9007199254740991), 9007199254740991)::bigint $$;

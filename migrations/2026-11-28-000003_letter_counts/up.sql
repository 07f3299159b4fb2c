-- How many invitations went out in a day: to an address, and from a workspace. Whom a row counts stands there as a hash.

create table letter_counts (
    counted bytea not null,
    day date not null,
    count integer not null,
    constraint letter_counts_pkey primary key (counted, day)
);

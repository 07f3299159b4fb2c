-- E-mails and numbers in fields of one's own have one form, too. Rows that are there get it by a backfill.
insert into backfills (name) values ('own_contacts'), ('own_companies'), ('own_leads'), ('own_deals');

delete from backfills where name in ('logins', 'users');

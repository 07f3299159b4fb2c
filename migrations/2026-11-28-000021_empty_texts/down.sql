do $$ begin end $$; -- nothing to take back

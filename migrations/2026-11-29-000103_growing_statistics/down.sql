create function refresh_address_statistics() returns void
    language plpgsql volatile security definer set search_path = public
    as $$ begin analyze contact_emails; end $$;
revoke all on function refresh_address_statistics() from public;
drop function refresh_growing_statistics(bigint);

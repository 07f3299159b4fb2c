-- Imports look contacts up by address, so the planner must know how many addresses a new workspace has.
create function refresh_address_statistics() returns void
    language plpgsql volatile security definer set search_path = public
    as $$ begin analyze contact_emails; end $$;
revoke all on function refresh_address_statistics() from public;

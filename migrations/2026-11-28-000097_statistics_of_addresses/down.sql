drop function refresh_address_statistics();

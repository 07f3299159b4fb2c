delete from backfills where name in ('own_contacts', 'own_companies', 'own_leads', 'own_deals');

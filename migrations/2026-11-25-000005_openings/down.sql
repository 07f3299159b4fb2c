drop index companies_opening;
drop index contacts_opening;
drop index contacts_last_name_opening;
drop index contacts_email_opening;
drop index deals_opening;
drop index leads_opening;
drop index activities_words;

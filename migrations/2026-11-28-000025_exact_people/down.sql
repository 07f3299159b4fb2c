drop index leads_by_any_phone;
drop index leads_person_email;
drop index leads_person_name_opening;

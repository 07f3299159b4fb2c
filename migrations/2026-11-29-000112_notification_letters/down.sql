alter table users drop column digest_on, drop column notification_letters;
drop index notifications_of_record;
alter table notifications drop column letter_id, drop column letter;

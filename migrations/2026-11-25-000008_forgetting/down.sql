-- What was taken away does not come back: proofs of people known from leads go, and a retry that asks for an erased answer is a new request.
delete from erasures where contact_id is null;
alter table erasures drop constraint erasures_of_check, drop column lead_id, alter column contact_id set not null;
drop index leads_by_person_email;
delete from idempotency_keys where erased;
alter table idempotency_keys drop column erased, drop column names;
drop index imports_with_file;
alter table imports drop constraint imports_file_check, drop column file_removed_at;
update imports set content = '' where content is null;
alter table imports alter column content set not null;

-- Notifications by letter. When the user wants a letter, and the job that sends it.
alter table notifications
    add column letter text constraint notifications_letter_check check (letter in ('at_once', 'daily')),
    add column letter_id uuid;
create index notifications_to_send on notifications (letter, created_at)
    where letter is not null and letter_id is null and read_at is null;
create index notifications_of_letter on notifications (workspace_id, letter_id) where letter_id is not null;
create index notifications_of_record on notifications (workspace_id, user_id, record_id);
-- The kinds of notifications that come by letter, each with the time of the letter; and the day of the last daily letter.
alter table users
    add column notification_letters jsonb not null default '{}',
    add column digest_on date;

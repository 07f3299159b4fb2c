alter table users drop column muted_notifications;
drop table notifications;

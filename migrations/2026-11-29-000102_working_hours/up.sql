-- Working hours of the workspace and of users, holidays and absences. By default, Monday to Friday from nine to six.
alter table workspaces
    add column working_hours jsonb not null default '[
        {"weekday": 1, "from": "09:00", "to": "18:00"}, {"weekday": 2, "from": "09:00", "to": "18:00"},
        {"weekday": 3, "from": "09:00", "to": "18:00"}, {"weekday": 4, "from": "09:00", "to": "18:00"},
        {"weekday": 5, "from": "09:00", "to": "18:00"}]',
    add column holidays jsonb not null default '[]';
alter table users
    add column working_hours jsonb,
    add column absences jsonb not null default '[]';

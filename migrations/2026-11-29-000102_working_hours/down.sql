alter table users drop column absences, drop column working_hours;
alter table workspaces drop column holidays, drop column working_hours;

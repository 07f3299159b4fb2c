-- Next tasks stay as they are; each is brought up to date with the next change of a task.
alter table contacts drop column next_task_on;
alter table companies drop column next_task_on;
alter table leads drop column next_task_on;
alter table deals drop column next_task_on;

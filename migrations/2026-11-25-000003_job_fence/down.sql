alter table jobs drop column taken;

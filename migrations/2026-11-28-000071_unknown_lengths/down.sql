alter table stage_spans drop column length_unknown;

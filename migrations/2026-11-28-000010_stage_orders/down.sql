alter table stage_spans drop column order_id;
alter table stages drop column order_id;
drop table stage_orders;

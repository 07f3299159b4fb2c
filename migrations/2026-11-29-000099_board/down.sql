drop index leads_open_values;
drop index deals_open_values;
drop index leads_on_board;
drop index deals_on_board;
alter table leads drop column board_position;
alter table deals drop column board_position;
drop function board_top();

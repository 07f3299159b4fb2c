drop index companies_by_domain;
drop index deals_by_loss_reason;
drop index leads_by_loss_reason;
drop index deals_by_source;
drop index leads_by_source;
drop index contacts_by_source;

-- Whether a source or a reason is still in use is asked before it is deleted; imports look companies up by their domain.
create index contacts_by_source on contacts (workspace_id, source_id) where source_id is not null;
create index leads_by_source on leads (workspace_id, source_id) where source_id is not null;
create index deals_by_source on deals (workspace_id, source_id) where source_id is not null;
create index leads_by_loss_reason on leads (workspace_id, loss_reason_id) where loss_reason_id is not null;
create index deals_by_loss_reason on deals (workspace_id, loss_reason_id) where loss_reason_id is not null;
create index companies_by_domain on companies (workspace_id, lower(domain)) where domain is not null;

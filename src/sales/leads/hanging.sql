-- What refers to a record and did not come with the conversion.
select 'activities' as what from activities where workspace_id = :workspace and deleted_at is null and :activity_link = :id
union
select 'tasks' from tasks where workspace_id = :workspace and deleted_at is null and :task_link = :id and id <> all(:moved)
union
select 'files' from files where workspace_id = :workspace and deleted_at is null and :file_link = :id
union
select 'leads' from leads where workspace_id = :workspace and deleted_at is null and id <> :lead and :lead_link = :id
union
select 'deals' from deals where workspace_id = :workspace and deleted_at is null and id <> all(:deals) and (:deal_link)
union
select 'contacts' from contacts where workspace_id = :workspace and deleted_at is null and id <> all(:contacts) and (:contact_link)

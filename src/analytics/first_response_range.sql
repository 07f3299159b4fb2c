-- From the first lead of the period that was answered to the last answer.
select min(leads.created_at) as first, max(leads.first_response_at) as last
from leads
where leads.workspace_id = :workspace and leads.deleted_at is null and leads.pipeline_id = :pipeline
    and leads.created_at >= :from and leads.created_at < :to and leads.first_response_at is not null and (:filter)

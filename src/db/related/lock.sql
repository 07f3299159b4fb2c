-- Whoever else changes a task of these records waits here, and then sees what was done meanwhile.
select id from :table where workspace_id = :workspace and id = any(:ids) order by id for no key update

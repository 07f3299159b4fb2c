-- Concurrent changes to tasks of these records wait here, and then see the committed result.
select id from :table where workspace_id = :workspace and id = any(:ids) order by id for no key update

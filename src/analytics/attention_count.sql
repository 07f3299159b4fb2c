-- How many records of a list need attention, by their owner.
select :figure as figure, :key as key, count(*) as count
from :table left join users u on u.workspace_id = :workspace and u.id = :table.owner_id
where :table.workspace_id = :workspace and :table.deleted_at is null and (:seen) and (:filter)
group by 2

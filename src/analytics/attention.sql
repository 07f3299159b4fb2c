-- The counts of all figures, with the names of their groups.
select figure, key::text as group_key, :group_label as group_label, count
from (:counts) counts
order by group_label nulls last, group_key

-- A search opens the indexes of each part in turn. A month that got nothing for a day is merged into one, once.
ALTER TABLE records MODIFY SETTING min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1;
ALTER TABLE openings MODIFY SETTING min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1;

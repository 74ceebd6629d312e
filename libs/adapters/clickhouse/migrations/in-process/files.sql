-- For the engine in process only: servers before 26.7 do not know the setting. Applied once in each form it has, and may be repeated.
-- The indexes of a small part are one file, and not two each: creating and deleting files is a good part of what a cut costs.
ALTER TABLE records MODIFY SETTING packed_skip_index_max_bytes = 1048576;
ALTER TABLE openings MODIFY SETTING packed_skip_index_max_bytes = 1048576;

-- For the engine in process only: servers before 26.7 do not know the settings. Applied once in each form it has, and may be repeated.
-- The indexes of a small part are one file, and not two each: creating and deleting files is a good part of what a cut costs.
ALTER TABLE records MODIFY SETTING packed_skip_index_max_bytes = 1048576;
ALTER TABLE openings MODIFY SETTING packed_skip_index_max_bytes = 1048576;
-- A part of a few cuts is two files, and not three for each column: it is soon merged into one that has them.
ALTER TABLE records MODIFY SETTING min_bytes_for_wide_part = 67108864;
-- Fewer merges, of more parts each: they are most of what a record costs the engine. A part that nothing joined for long is
-- merged as before.
ALTER TABLE records MODIFY SETTING merge_selector_base = 8;
ALTER TABLE spend_by_day MODIFY SETTING merge_selector_base = 8;
ALTER TABLE spend_by_reason MODIFY SETTING merge_selector_base = 8;
-- No count of each column's different values: it helps to order the joins of many tables, of which there are five here.
ALTER TABLE records MODIFY SETTING auto_statistics_types = '';
ALTER TABLE openings MODIFY SETTING auto_statistics_types = '';
ALTER TABLE spend_by_day MODIFY SETTING auto_statistics_types = '';
ALTER TABLE spend_by_reason MODIFY SETTING auto_statistics_types = '';
ALTER TABLE cuts MODIFY SETTING auto_statistics_types = '';
-- Two files of each part less: nothing in it is stored otherwise than its column's type says, and no part of a column is read alone.
ALTER TABLE records MODIFY SETTING ratio_of_defaults_for_sparse_serialization = 1, string_serialization_version = 'single_stream',
  write_marks_for_substreams_in_compact_parts = 0;
ALTER TABLE openings MODIFY SETTING ratio_of_defaults_for_sparse_serialization = 1, string_serialization_version = 'single_stream',
  write_marks_for_substreams_in_compact_parts = 0;
ALTER TABLE spend_by_day MODIFY SETTING ratio_of_defaults_for_sparse_serialization = 1, string_serialization_version = 'single_stream',
  write_marks_for_substreams_in_compact_parts = 0;
ALTER TABLE spend_by_reason MODIFY SETTING ratio_of_defaults_for_sparse_serialization = 1, string_serialization_version = 'single_stream',
  write_marks_for_substreams_in_compact_parts = 0;
ALTER TABLE cuts MODIFY SETTING ratio_of_defaults_for_sparse_serialization = 1, string_serialization_version = 'single_stream',
  write_marks_for_substreams_in_compact_parts = 0;
-- Parts that a failed write cut short are put aside, however large: the store is emptied then, and not left unopened.
ALTER TABLE records MODIFY SETTING max_suspicious_broken_parts = 1000000, max_suspicious_broken_parts_bytes = 1000000000000000;
ALTER TABLE openings MODIFY SETTING max_suspicious_broken_parts = 1000000, max_suspicious_broken_parts_bytes = 1000000000000000;
ALTER TABLE spend_by_day MODIFY SETTING max_suspicious_broken_parts = 1000000, max_suspicious_broken_parts_bytes = 1000000000000000;
ALTER TABLE spend_by_reason MODIFY SETTING max_suspicious_broken_parts = 1000000, max_suspicious_broken_parts_bytes = 1000000000000000;
ALTER TABLE cuts MODIFY SETTING max_suspicious_broken_parts = 1000000, max_suspicious_broken_parts_bytes = 1000000000000000;

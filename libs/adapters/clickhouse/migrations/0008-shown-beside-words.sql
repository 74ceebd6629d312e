-- The record of a free text as search shows it, so that a search of words asks one table. Empty in rows that were stored
-- before, whose records are looked up.
ALTER TABLE openings ADD COLUMN IF NOT EXISTS shown String COMMENT 'the record as search shows it, in JSON' CODEC(ZSTD(1));

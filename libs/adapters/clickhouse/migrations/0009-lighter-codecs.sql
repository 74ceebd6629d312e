-- The exact bytes are mostly hashes and signatures: a stronger level takes longer over them, and is no smaller. Rows that were
-- stored before change with their next merge.
ALTER TABLE records MODIFY COLUMN bytes CODEC(ZSTD(1));
ALTER TABLE openings MODIFY COLUMN value CODEC(ZSTD(1));

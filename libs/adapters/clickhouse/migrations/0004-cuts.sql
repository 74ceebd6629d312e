-- Which ranges are in, and the Merkle log after each. A row is written when its records have been read back.
CREATE TABLE IF NOT EXISTS cuts (
  sequence UInt64 COMMENT 'offset of the cut in the archive lane' CODEC(Delta(8), ZSTD(1)),
  lane LowCardinality(String),
  lane_from UInt64 CODEC(Delta(8), ZSTD(1)),
  lane_to UInt64 COMMENT 'offset after the last record' CODEC(Delta(8), ZSTD(1)),
  tree_size UInt64 CODEC(Delta(8), ZSTD(1)),
  root String COMMENT 'RFC 6962 root of the first tree_size leaves' CODEC(ZSTD(1)),
  frontier Array(String) COMMENT 'roots of the full subtrees, largest first' CODEC(ZSTD(1))
) ENGINE = MergeTree
ORDER BY sequence
SETTINGS non_replicated_deduplication_window = 10000;

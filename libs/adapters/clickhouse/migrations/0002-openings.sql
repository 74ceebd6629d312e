-- Free text and personal data, beside the commitments in the bytes: rows that can be erased while every proof holds.
CREATE TABLE IF NOT EXISTS openings (
  tenant LowCardinality(String),
  leaf UInt64 CODEC(Delta(8), ZSTD(1)),
  lane LowCardinality(String),
  lane_offset UInt64 CODEC(Delta(8), ZSTD(1)),
  at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  agent LowCardinality(String),
  payment_id String CODEC(ZSTD(1)),
  event LowCardinality(String),
  field LowCardinality(String),
  value String CODEC(ZSTD(3)),
  salt String CODEC(ZSTD(1)),
  INDEX words value TYPE text(tokenizer = 'splitByNonAlpha', preprocessor = lower(value)),
  INDEX payment payment_id TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (tenant, leaf)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000;

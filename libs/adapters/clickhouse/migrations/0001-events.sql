-- Every record of the log, once: typed columns to ask by, and the exact bytes that are hashed.
CREATE TABLE IF NOT EXISTS records (
  tenant LowCardinality(String),
  leaf UInt64 COMMENT 'index in the Merkle log: one order over all lanes, and the order of pages' CODEC(Delta(8), ZSTD(1)),
  lane LowCardinality(String),
  lane_offset UInt64 CODEC(Delta(8), ZSTD(1)),
  at DateTime64(3, 'UTC') COMMENT 'when the log took the record' CODEC(Delta(8), ZSTD(1)),
  record_key LowCardinality(String),
  event LowCardinality(String) COMMENT 'name of the event; empty for bytes that are none',
  ignored LowCardinality(String) COMMENT 'code with which the fold ignored the record; empty where it counted',
  agent LowCardinality(String),
  payment_id String CODEC(ZSTD(1)),
  kind LowCardinality(String),
  task LowCardinality(String),
  seller LowCardinality(String),
  category LowCardinality(String),
  trust LowCardinality(String),
  jurisdiction LowCardinality(String),
  domain LowCardinality(String),
  url String CODEC(ZSTD(1)),
  network LowCardinality(String),
  asset LowCardinality(String),
  pay_to String CODEC(ZSTD(1)),
  amount UInt256 COMMENT 'atomic units of the asset' CODEC(ZSTD(1)),
  amount_units UInt64 COMMENT '10^-6 of the unit of account, as the decision rounded it' CODEC(T64, ZSTD(1)),
  policy_version UInt32 CODEC(ZSTD(1)),
  policy_hash LowCardinality(String),
  outcome LowCardinality(String),
  tier LowCardinality(String),
  reasons Array(LowCardinality(String)) CODEC(ZSTD(1)),
  person LowCardinality(String) COMMENT 'who granted, vetoed or ordered',
  code LowCardinality(String) COMMENT 'of a refusal, an expiry or an alert',
  wallet LowCardinality(String),
  nonce String CODEC(ZSTD(1)),
  tx_hash String CODEC(ZSTD(1)),
  chain_at DateTime64(3, 'UTC') COMMENT 'time of the block that holds the evidence' CODEC(Delta(8), ZSTD(1)),
  trace_id String CODEC(ZSTD(1)),
  bytes String COMMENT 'what was recorded, exactly' CODEC(ZSTD(3)),
  bytes_encoding LowCardinality(String) COMMENT 'base64 for bytes that are no UTF-8; empty for text',
  INDEX payment payment_id TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX nonces nonce TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX transactions tx_hash TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX moments at TYPE minmax GRANULARITY 1,
  INDEX leaves leaf TYPE minmax GRANULARITY 1,
  INDEX sellers seller TYPE set(100) GRANULARITY 1,
  INDEX tasks task TYPE set(100) GRANULARITY 1
) ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (tenant, agent, leaf)
SETTINGS index_granularity = 1024, non_replicated_deduplication_window = 10000;

-- What auditors ask. A wallet's signature is a bearer token, so the bytes that hold one are not shown.
CREATE VIEW IF NOT EXISTS events AS
SELECT * REPLACE (if(event = 'signing.completed', '', bytes) AS bytes) FROM records;

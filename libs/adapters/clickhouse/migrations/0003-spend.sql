-- What was paid, by the day of the block that made it final.
CREATE TABLE IF NOT EXISTS spend_by_day (
  tenant LowCardinality(String), day Date, agent LowCardinality(String), kind LowCardinality(String),
  network LowCardinality(String), asset LowCardinality(String),
  amount SimpleAggregateFunction(sum, UInt256) CODEC(ZSTD(1)), payments SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1))
) ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(day)
ORDER BY (tenant, day, agent, kind, network, asset)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS spend_by_day_of_records TO spend_by_day AS
SELECT tenant, toDate(chain_at) AS day, agent, kind, network, asset, sum(amount) AS amount, count() AS payments
FROM records WHERE event = 'settlement.final' AND ignored = ''
GROUP BY tenant, day, agent, kind, network, asset;

-- The same with where and why.
CREATE TABLE IF NOT EXISTS spend_by_reason (
  tenant LowCardinality(String), day Date, agent LowCardinality(String), kind LowCardinality(String),
  network LowCardinality(String), asset LowCardinality(String),
  seller LowCardinality(String), domain LowCardinality(String), category LowCardinality(String), task LowCardinality(String),
  policy_version UInt32, policy_hash LowCardinality(String), tier LowCardinality(String), reason LowCardinality(String),
  amount SimpleAggregateFunction(sum, UInt256) CODEC(ZSTD(1)), payments SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1))
) ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(day)
ORDER BY (tenant, day, agent, kind, network, asset, seller, domain, category, task, policy_version, policy_hash, tier, reason)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS spend_by_reason_of_records TO spend_by_reason AS
SELECT tenant, toDate(chain_at) AS day, agent, kind, network, asset, seller, domain, category, task, policy_version, policy_hash, tier,
  arrayStringConcat(reasons, ' ') AS reason, sum(amount) AS amount, count() AS payments
FROM records WHERE event = 'settlement.final' AND ignored = ''
GROUP BY tenant, day, agent, kind, network, asset, seller, domain, category, task, policy_version, policy_hash, tier, reason;

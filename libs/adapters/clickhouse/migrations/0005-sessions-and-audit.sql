-- Which session a payment belongs to, and how its decision is recorded. Empty in rows that were stored before.
ALTER TABLE records
  ADD COLUMN IF NOT EXISTS session LowCardinality(String) AFTER task,
  ADD COLUMN IF NOT EXISTS audit_depth LowCardinality(String) COMMENT 'full or decisive: how much of the rules the decision tells' AFTER reasons,
  ADD COLUMN IF NOT EXISTS audit_profile LowCardinality(String) COMMENT 'record profile of the tier that took the payment' AFTER audit_depth,
  ADD INDEX IF NOT EXISTS sessions session TYPE set(100) GRANULARITY 1;

-- The view knows the columns it was made with.
CREATE OR REPLACE VIEW events AS
SELECT * REPLACE (if(event = 'signing.completed', '', bytes) AS bytes) FROM records;

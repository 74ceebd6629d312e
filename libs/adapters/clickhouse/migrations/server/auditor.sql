-- For a ClickHouse server only: the engine in process refuses roles. Applied once in each form it has, and may be repeated.
CREATE ROLE IF NOT EXISTS countersign_auditor;
GRANT SELECT ON events TO countersign_auditor;
GRANT SELECT ON openings TO countersign_auditor;
GRANT SELECT ON spend_by_day TO countersign_auditor;
GRANT SELECT ON spend_by_reason TO countersign_auditor;
GRANT SELECT ON cuts TO countersign_auditor;
CREATE SETTINGS PROFILE IF NOT EXISTS countersign_auditor
  SETTINGS readonly = 1, max_execution_time = 30, max_memory_usage = 2000000000, max_result_rows = 100000
  TO countersign_auditor;
CREATE QUOTA IF NOT EXISTS countersign_auditor
  FOR INTERVAL 1 hour MAX queries = 1000, execution_time = 600
  TO countersign_auditor;

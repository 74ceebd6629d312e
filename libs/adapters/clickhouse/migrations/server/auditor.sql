-- For a ClickHouse server only: the engine in process refuses roles. Applied with every migration, and may be repeated.
-- Read with our rights: with an auditor's own it would need the records, and with them what it leaves out.
ALTER TABLE events MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;
CREATE ROLE IF NOT EXISTS countersign_auditor;
GRANT SELECT ON events TO countersign_auditor;
GRANT SELECT ON openings TO countersign_auditor;
GRANT SELECT ON spend_by_day TO countersign_auditor;
GRANT SELECT ON spend_by_reason TO countersign_auditor;
GRANT SELECT ON cuts TO countersign_auditor;
-- Made, then changed, so that other limits reach a server that has them. Clients send settings of their own, which 1 would
-- refuse; a limit may be set lower, and 0, which is none, lies below each minimum.
CREATE SETTINGS PROFILE IF NOT EXISTS countersign_auditor;
ALTER SETTINGS PROFILE countersign_auditor
  SETTINGS readonly = 2, max_execution_time = 30 MIN 1 MAX 30, max_memory_usage = 2000000000 MIN 1 MAX 2000000000,
    max_result_rows = 100000 MIN 1 MAX 100000
  TO countersign_auditor;
CREATE QUOTA IF NOT EXISTS countersign_auditor;
ALTER QUOTA countersign_auditor KEYED BY user_name
  FOR INTERVAL 1 hour MAX queries = 1000, execution_time = 600
  TO countersign_auditor;

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '../../../deploy/local/postgres.mjs';

/** Three counters locked in order, checked, raised, and the reservation kept: what `reserve` does, without its windows. */
const SCHEMA = `
CREATE TABLE counters (scope text PRIMARY KEY, spent bigint NOT NULL, at_most bigint NOT NULL);
CREATE TABLE reservations (payment text PRIMARY KEY, agent int NOT NULL, amount bigint NOT NULL);
INSERT INTO counters SELECT 'agent:' || n, 0, 1000000000000 FROM generate_series(0, 999) n;
INSERT INTO counters SELECT 'seller:' || n, 0, 1000000000000 FROM generate_series(0, 199) n;
INSERT INTO counters VALUES ('tenant:t', 0, 1000000000000000);
CREATE FUNCTION reserve(payment text, agent int, seller int, amount bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE fits boolean;
BEGIN
  PERFORM 1 FROM counters WHERE scope IN ('agent:' || agent, 'seller:' || seller, 'tenant:t') ORDER BY scope FOR UPDATE;
  SELECT bool_and(spent + amount <= at_most) INTO fits FROM counters
    WHERE scope IN ('agent:' || agent, 'seller:' || seller, 'tenant:t');
  IF NOT fits THEN RETURN false; END IF;
  UPDATE counters SET spent = spent + amount WHERE scope IN ('agent:' || agent, 'seller:' || seller, 'tenant:t');
  INSERT INTO reservations VALUES (payment, agent, amount);
  RETURN true;
END $$;`;
const SCRIPT = `
\\set agent random(0, 999)
\\set seller random(0, 199)
SELECT reserve(gen_random_uuid()::text, :agent, :seller, 20000);
`;

/**
 * Reservations a second with row locks, from so many clients of the server's own load generator: first as PostgreSQL
 * comes, which waits for its disk before it answers, then without waiting.
 */
export async function reserveInPostgres(clients: number, seconds: number) {
  const server = await startPostgres();
  try {
    await server.run(SCHEMA);
    const script = join(server.folder, 'reserve.sql');
    writeFileSync(script, SCRIPT);
    const perSecond = async () => {
      const load = ['-c', String(clients), '-T', String(seconds), '-f', script];
      const printed = await server.bench(load);
      const [, tps] = /tps = ([\d.]+)/.exec(printed) ?? [];
      if (tps === undefined) throw new Error(`pgbench printed no rate: ${printed}`);
      return Number(tps);
    };
    const durable = await perSecond();
    await server.run('ALTER SYSTEM SET synchronous_commit = off');
    await server.run('SELECT pg_reload_conf()');
    return { durable, unsynced: await perSecond() };
  } finally {
    await server.stop();
  }
}

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import { afterAll, describe, expect, it } from 'vitest';
import { DATABASE, engineInProcess, engineOnServer } from './engine.ts';
import { type ClickHouseOptions, openEventStore } from './event-store.ts';
import { SERVER, statementsIn } from './migrate.ts';
import { BATCH_RECORDS, batchOf } from './testing/batches.ts';
import { serverUrl } from './testing/config.ts';
import { dropTables } from './testing/server.ts';

const url = serverUrl();
const folder = mkdtempSync(join(tmpdir(), 'countersign-auditor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const options: ClickHouseOptions =
  url === undefined ? { logId: 'auditor', folder } : { logId: 'auditor', url };
const engineOf = () => (url === undefined ? engineInProcess(folder) : engineOnServer(url));

describe('what a server gets for auditors', () => {
  it('is read by the parser of the engine', async () => {
    const engine = await engineOf();
    for (const statement of statementsIn(SERVER)) {
      const query_params = { text: statement };
      const answer = await engine.reader.query({
        query: 'SELECT formatQuery({text:String})',
        query_params,
        format: 'TabSeparatedRaw',
      });
      expect(await answer.text()).toMatch(/^(ALTER|CREATE|GRANT) /);
    }
    await engine.close();
  });

  it('leaves a tenant its own rows only', async () => {
    await dropTables(options);
    const store = await openEventStore(options);
    await store.archive(batchOf(0));
    const engine = await engineOf();
    const views = statementsIn(SERVER).filter((it) => it.includes('ALTER TABLE'));
    for (const query of views) await engine.writer.command({ query });
    const made = await engine.reader.query({
      query: 'SHOW CREATE TABLE events',
      format: 'TabSeparatedRaw',
    });
    expect(await made.text()).toContain('SQL SECURITY DEFINER');
    await engine.close();
    const counted = async (tenant: string) =>
      (await store.sql(tenant, 'SELECT count() FROM events AS e')).rows;
    expect(await counted('acme')).toEqual([[String(BATCH_RECORDS)]]);
    expect(await counted('other')).toEqual([['0']]);
    await store.close();
  });

  if (url !== undefined)
    it('lets a user with the role read events, and neither records nor write', async () => {
      await dropTables(options);
      const store = await openEventStore(options);
      await store.archive(batchOf(0));
      const engine = await engineOf();
      const [username, password] = ['countersign_test_auditor', randomBytes(12).toString('hex')];
      for (const query of [
        `DROP USER IF EXISTS ${username}`,
        `CREATE USER ${username} IDENTIFIED BY '${password}'`,
        `GRANT countersign_auditor TO ${username}`,
      ])
        await engine.writer.command({ query });
      const auditor = createClient({
        url: Object.assign(new URL(url), { username, password }).href,
        database: DATABASE,
      });
      const outcome = (query: string, maxSeconds: number) =>
        auditor
          .command({ query, clickhouse_settings: { max_execution_time: maxSeconds } })
          .then(() => 'ran', String);
      expect(await outcome('SELECT * FROM events', 5)).toBe('ran');
      expect(await outcome('SELECT * FROM spend_by_day', 5)).toBe('ran');
      for (const [query, maxSeconds] of [
        ['SELECT * FROM events', 0],
        ['SELECT * FROM events', 31],
        ['SELECT * FROM records', 5],
        ["INSERT INTO openings (value) VALUES ('x')", 5],
        ['ALTER TABLE openings DELETE WHERE 1', 5],
        ['SET readonly = 0', 5],
        ["SELECT * FROM url('http://127.0.0.1:1/x', 'LineAsString')", 5],
      ] as const)
        expect([query, await outcome(query, maxSeconds)]).toEqual([
          query,
          expect.not.stringMatching(/^ran$/),
        ]);
      await auditor.close();
      await engine.writer.command({ query: `DROP USER ${username}` });
      await engine.close();
      await store.close();
    });
});

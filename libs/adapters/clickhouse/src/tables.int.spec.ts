import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { DATABASE, type Engine, engineInProcess, engineOnServer } from './engine.ts';
import { applyTables, migrate, planTables } from './migrate.ts';

const ALL = [
  '0001-events.sql',
  '0002-openings.sql',
  '0003-spend.sql',
  '0004-cuts.sql',
  '0005-sessions-and-audit.sql',
  '0006-named-payments.sql',
  '0007-words-of-any-alphabet.sql',
  '0008-shown-beside-words.sql',
  '0009-lighter-codecs.sql',
  '0010-a-month-that-is-over-is-one-part.sql',
  'server/auditor.sql',
];
/** What the engine in process refuses, and a server takes. */
const ACCESS = /^(?:--.*\n)*(?:GRANT|(?:CREATE|ALTER) (?:ROLE|SETTINGS PROFILE|QUOTA))/;
const CHANGES = /^(?:--.*\n)*(?:CREATE|ALTER|GRANT|DROP)/;

const folder = mkdtempSync(join(tmpdir(), 'countersign-tables-'));
let engine: Engine;
let busy: Promise<unknown> = Promise.resolve();

/** A server of ClickHouse's protocol over the engine in process, which lets `recorder` change nothing. */
const server = createServer((request, answer) => {
  busy = busy.then(async () => {
    const query = await queryOf(request);
    const { username } = credentials(request);
    if (username === 'recorder' && CHANGES.test(query))
      return answer.writeHead(403).end('Code: 497. DB::Exception: Not enough privileges.');
    if (ACCESS.test(query)) return answer.end();
    try {
      const { stream } = await engine.writer.exec({ query });
      return answer.end(await text(stream));
    } catch (error) {
      return answer.writeHead(500).end(String(error));
    }
  });
});

async function queryOf(request: IncomingMessage): Promise<string> {
  const inUrl = new URL(request.url ?? '', 'http://stand-in').searchParams.get('query');
  const body = await text(request);
  return inUrl === null ? body : `${inUrl}\n${body}`;
}

function credentials({ headers }: IncomingMessage): { readonly username: string } {
  const [, basic = ''] = (headers.authorization ?? '').split(' ');
  const [username = ''] = Buffer.from(basic, 'base64').toString().split(':');
  return { username };
}

const urlOf = (user: string) => {
  const { port } = server.address() as AddressInfo;
  return `http://${user}:secret@127.0.0.1:${port}`;
};
const rowsOf = async (query: string) =>
  (await engine.reader.query({ query, format: 'JSONEachRow' })).json();

async function openAs(user: string): Promise<void> {
  const opened = await engineOnServer(urlOf(user));
  try {
    await migrate(opened, 'log');
  } finally {
    await opened.close();
  }
}

beforeAll(async () => {
  engine = await engineInProcess(folder);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
beforeEach(async () => {
  await engine.writer.command({ query: `DROP DATABASE IF EXISTS ${DATABASE} SYNC` });
});
afterAll(async () => {
  server.close();
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

it('a plan names what is missing, and makes nothing', async () => {
  expect(await planTables(urlOf('setup'))).toEqual(ALL);
  expect(await rowsOf(`SELECT name FROM system.databases WHERE name = '${DATABASE}'`)).toEqual([]);
});

it('what is missing is made once', async () => {
  expect(await applyTables(urlOf('setup'))).toEqual(ALL);
  expect(await planTables(urlOf('setup'))).toEqual([]);
  expect(await applyTables(urlOf('setup'))).toEqual([]);
  expect(
    await rowsOf(`SELECT count() = ${ALL.length} AS noted FROM ${DATABASE}.migrations`),
  ).toEqual([{ noted: 1 }]);
});

it('what somebody began is gone on with', async () => {
  await applyTables(urlOf('setup'));
  await engine.writer.command({
    query: `ALTER TABLE ${DATABASE}.migrations DELETE WHERE version = 5`,
    clickhouse_settings: { mutations_sync: '2' },
  });
  const rest = ['0005-sessions-and-audit.sql', 'server/auditor.sql'];
  expect(await planTables(urlOf('setup'))).toEqual(rest);
  expect(await applyTables(urlOf('setup'))).toEqual(rest);
  expect(await planTables(urlOf('setup'))).toEqual([]);
});

it('a recorder that may change no table opens what set-up made, and waits for it before', async () => {
  await expect(openAs('recorder')).rejects.toMatchObject({
    code: 'event_store_unavailable',
    retryable: true,
  });
  await applyTables(urlOf('setup'));
  await openAs('recorder');
  expect(await rowsOf(`SELECT log_id FROM ${DATABASE}.log`)).toEqual([{ log_id: 'log' }]);
});

it('a recorder that may makes the tables itself', async () => {
  await openAs('setup');
  expect(await planTables(urlOf('setup'))).toEqual([]);
});

it('tables of a newer program are left alone', async () => {
  await applyTables(urlOf('setup'));
  await engine.writer.command({
    query: `INSERT INTO ${DATABASE}.migrations (version, name, digest) VALUES (99, 'later', 'd')`,
  });
  const refused = { code: 'event_store_foreign', retryable: false };
  await expect(planTables(urlOf('setup'))).rejects.toMatchObject(refused);
  await expect(applyTables(urlOf('setup'))).rejects.toMatchObject(refused);
});

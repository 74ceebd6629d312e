import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Vault,
  applyVault,
  vaultStatementKeyVersions,
  writeLogins,
} from '@countersign/adapter-vault';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freePorts } from '../../deploy/local/server.mjs';
import { takeAlong } from '../../deploy/local/take-along.mjs';
import { fetchVault } from '../../deploy/local/vault.mjs';
import { textAt } from './chart.ts';
import { ROOT } from '../repo/tree.ts';

const START_MAX_MS = 60_000;
const ROLES = [{ service: 'signer', signs: true, policy: textAt('deploy/vault/signer.hcl') }];

let folder: string;
let url: string;
let variables: readonly string[];
let container: ChildProcess;
let said: string[];

beforeEach(async () => {
  said = [];
  folder = mkdtempSync(join(tmpdir(), 'countersign-compose-vault-'));
  const [port, clusterPort] = await freePorts(2);
  url = `http://127.0.0.1:${port}`;
  // The settings of the compose file, in a folder and at ports of this test.
  const settings = textAt('deploy/compose/vault.hcl')
    .replaceAll('/vault/file', folder)
    .replaceAll('0.0.0.0:8200', `127.0.0.1:${port}`)
    .replaceAll('127.0.0.1:8201', `127.0.0.1:${clusterPort}`);
  writeFileSync(join(folder, 'vault.hcl'), settings);
  mkdirSync(join(folder, 'bin'));
  symlinkSync(await fetchVault(), join(folder, 'bin', 'vault'));
  variables = [
    `VAULT_ADDR=${url}`,
    `VAULT_FOLDER=${folder}`,
    `VAULT_CONFIG=${join(folder, 'vault.hcl')}`,
  ];
});
afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true });
});

function start(): void {
  const command = `PATH="${join(folder, 'bin')}:$PATH" exec sh "${join(ROOT, 'deploy/compose/vault.sh')}"`;
  const child = spawn('env', [...variables, 'sh', '-c', command], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  takeAlong(child);
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
  container = child;
}

/** As Docker does it. */
async function stop(): Promise<void> {
  if (container.exitCode !== null || container.signalCode !== null) return;
  const ended = once(container, 'exit');
  container.kill('SIGTERM');
  await ended;
}

/** What a probe sees: 200 of one that is open and in charge. */
const health = () =>
  fetch(`${url}/v1/sys/health`).then(
    ({ status }) => status,
    () => 0,
  );
const untilOpen = () => expect.poll(health, { timeout: START_MAX_MS }).toBe(200);

function root(): Vault {
  const read = async () => readFileSync(join(folder, 'root-token'), 'utf8').trim();
  return new Vault({ address: url, auth: { kind: 'token', read } });
}

it('has its keys and knows its logins after a stop and a start', async () => {
  start();
  await untilOpen();
  await applyVault(root(), { roles: ROLES });
  const logins = join(folder, 'logins');
  await writeLogins(root(), ['signer'], logins);
  const secret = readFileSync(join(logins, 'signer.secret-id'), 'utf8');
  const keys = await vaultStatementKeyVersions(root(), 'signer');

  await stop();
  expect(await health()).toBe(0);
  start();
  await untilOpen();
  expect(await applyVault(root(), { roles: ROLES })).toEqual([]);
  expect(await vaultStatementKeyVersions(root(), 'signer')).toEqual(keys);
  await writeLogins(root(), ['signer'], logins);
  expect(readFileSync(join(logins, 'signer.secret-id'), 'utf8')).toBe(secret);
});

it('says what to do where what opens it is gone', async () => {
  start();
  await untilOpen();
  await stop();
  rmSync(join(folder, 'key'));
  start();
  await once(container, 'close');
  expect(said.join('')).toContain('docker compose down -v');
});

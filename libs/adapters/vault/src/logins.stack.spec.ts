import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type VaultServer, startVault } from '../../../../deploy/local/vault.mjs';
import { writeLogins } from './logins.ts';
import { rootOf, setUp } from './vault-under-test.ts';
import { Vault } from './vault.ts';

let server: VaultServer;
beforeAll(async () => {
  server = await startVault();
  await setUp(server);
}, 1_200_000);
afterAll(() => server.stop());

it('keeps a secret that Vault takes, and replaces one that it does not', async () => {
  const folder = join(server.folder, 'logins');
  const secretIdFile = join(folder, 'signer.secret-id');
  const write = () => writeLogins(rootOf(server), ['signer'], folder);
  await write();
  const first = await readFile(secretIdFile, 'utf8');
  await write();
  expect(await readFile(secretIdFile, 'utf8')).toBe(first);

  await writeFile(secretIdFile, crypto.randomUUID());
  await write();
  const roleId = await readFile(join(folder, 'signer.role-id'), 'utf8');
  const auth = { kind: 'approle', roleId, secretIdFile } as const;
  const signer = new Vault({ address: server.url, auth });
  expect((await signer.request('GET', 'auth/token/lookup-self')).status).toBe(200);
});

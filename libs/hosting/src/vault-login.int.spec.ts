import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { openVault } from './keys.ts';

/** Lets everybody in, with a token whose lease has ended at once; notes how they logged in. */
async function openServer() {
  const logins: unknown[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      if (request.url?.endsWith('/login')) logins.push([request.url, await json(request)]);
      const auth = { client_token: 'token', lease_duration: 1e-6, renewable: false };
      response.end(JSON.stringify({ auth }));
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { logins, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function secretFile() {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-login-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'secret');
  return { path, write: (text: string) => writeFileSync(path, text) };
}

it('a service logs in as its AppRole, or as its pod, with what its file holds at each login', async () => {
  const { logins, address } = await openServer();
  const file = secretFile();
  const byAppRole = openVault({
    COUNTERSIGN_VAULT_ADDRESS: address,
    COUNTERSIGN_VAULT_ROLE_ID: 'role',
    COUNTERSIGN_VAULT_SECRET_ID_FILE: file.path,
  });
  const byPod = openVault({
    COUNTERSIGN_VAULT_ADDRESS: address,
    COUNTERSIGN_VAULT_KUBERNETES_ROLE: 'countersign-policy',
    COUNTERSIGN_VAULT_KUBERNETES_TOKEN_FILE: file.path,
  });
  for (const secret of ['first', 'rotated']) {
    file.write(secret);
    for (const vault of [byAppRole, byPod]) await vault.request('GET', 'sys/mounts');
  }
  const appRole = (secret_id: string) => ['/v1/auth/approle/login', { role_id: 'role', secret_id }];
  const pod = (jwt: string) => ['/v1/auth/kubernetes/login', { role: 'countersign-policy', jwt }];
  expect(logins).toEqual([appRole('first'), pod('first'), appRole('rotated'), pod('rotated')]);
});

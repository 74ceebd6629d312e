import { SERVICES } from '@countersign/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type VaultServer, startVault } from '../../../../deploy/local/vault.mjs';
import { vaultStatementKey } from './statement-key.ts';
import { loginAs, setUp } from './vault-under-test.ts';
import type { Vault } from './vault.ts';

const forbidden = { name: 'Fault', code: 'keys_forbidden', retryable: false };

let server: VaultServer;
beforeAll(async () => {
  server = await startVault();
  await setUp(server);
}, 1_200_000);
afterAll(() => server.stop());

/** Everything that a transit engine does, about one key and at all. */
const transitPaths = (mount: string, key: string) =>
  [
    ...['keys', `keys/${key}`, 'random', 'hash', 'restore', 'cache-config', 'config/keys'],
    ...['config', 'rotate', 'trim', 'import', 'import_version', 'csr', 'set-certificate'].map(
      (what) => `keys/${key}/${what}`,
    ),
    ...['encryption-key', 'signing-key', 'hmac-key', 'public-key'].flatMap((kind) => [
      `export/${kind}/${key}`,
      `export/${kind}/${key}/latest`,
    ]),
    ...['backup', 'restore', 'encrypt', 'decrypt', 'rewrap', 'hmac', 'verify', 'sign'].map(
      (what) => `${what}/${key}`,
    ),
    ...['hmac', 'verify', 'sign'].flatMap((what) =>
      ['sha1', 'sha2-256', 'sha2-512', 'none'].map((hash) => `${what}/${key}/${hash}`),
    ),
    ...['plaintext', 'wrapped'].map((how) => `datakey/${how}/${key}`),
    ...[`byok-export/${key}/${key}`, 'wrapping_key', `keys/${key}/deeper/config`],
  ].map((path) => `${mount}/${path}`);

const recordPaths = ['wallets', 'owners', 'others'].flatMap((kind) => [
  `countersign/metadata/${kind}/`,
  ...['data', 'metadata', 'delete', 'undelete', 'destroy', 'subkeys'].flatMap((what) => [
    `countersign/${what}/${kind}`,
    `countersign/${what}/${kind}/ops`,
    `countersign/${what}/${kind}/ops/deeper`,
  ]),
]);

const serversPaths = [
  ...['sys/mounts', 'sys/mounts/countersign', 'sys/auth', 'sys/auth/approle', 'sys/audit'],
  ...['sys/seal', 'sys/step-down', 'sys/rotate', 'sys/raw/core', 'sys/remount', 'sys/policy'],
  ...['auth/token/create', 'auth/token/create-orphan', 'auth/token/lookup', 'auth/token/revoke'],
  ...['identity/entity', 'identity/group', 'countersign/config', 'countersign-other/keys/ops'],
  ...SERVICES.flatMap((service) => [
    `sys/policies/acl/countersign-${service}`,
    `auth/approle/role/countersign-${service}`,
    `auth/approle/role/countersign-${service}/role-id`,
    `auth/approle/role/countersign-${service}/secret-id`,
  ]),
];

const everyPath = [
  ...SERVICES.flatMap((service) => transitPaths('countersign-statements', service)),
  ...transitPaths('countersign-wallets', 'wallets'),
  ...transitPaths('countersign-wallets', 'other'),
  ...transitPaths('countersign-owners', 'ops'),
  ...recordPaths,
  ...serversPaths,
];

const ofEach = (service: string) => ({
  [`countersign-statements/keys/${service}`]: ['read'],
  [`countersign-statements/sign/${service}`]: ['update'],
});
const ofSigner = {
  'countersign-wallets/datakey/plaintext/wallets': ['update'],
  'countersign-wallets/decrypt/wallets': ['update'],
  'countersign/data/wallets/ops': ['create', 'read', 'update'],
  'countersign/destroy/wallets/ops': ['update'],
  'countersign-owners/keys/ops': ['create', 'delete', 'read', 'update'],
  'countersign-owners/keys/ops/config': ['update'],
  'countersign-owners/keys/ops/rotate': ['update'],
  'countersign-owners/sign/ops/sha2-256': ['update'],
  'countersign/data/owners/ops': ['create', 'read', 'update'],
};

const Capabilities = z.object({ data: z.record(z.string(), z.array(z.string())) });

/** What Vault lets this identity do, by path; nothing where it is left out. */
async function allowed(vault: Vault): Promise<Readonly<Record<string, readonly string[]>>> {
  const answer = await vault.json(Capabilities, 'POST', 'sys/capabilities-self', {
    paths: everyPath,
  });
  return Object.fromEntries(
    everyPath
      .map((path) => [path, answer?.data[path]?.toSorted() ?? ['no answer']] as const)
      .filter(([, capabilities]) => capabilities.join() !== 'deny'),
  );
}

describe.each(SERVICES)('the role of %s', (service) => {
  let vault: Vault;
  beforeAll(async () => {
    vault = await loginAs(server, service);
  });

  it('may do what stands here, and nothing else', async () => {
    const expected = { ...ofEach(service), ...(service === 'signer' && ofSigner) };
    expect(await allowed(vault)).toEqual(expected);
  });

  it('signs with its own statement key, and with no other', async () => {
    const key = await vaultStatementKey(vault, service);
    expect(await key.sign('mine')).toMatch(/^[\w-]{86}$/);
    for (const other of SERVICES.filter((it) => it !== service)) {
      await expect(vaultStatementKey(vault, other)).rejects.toMatchObject(forbidden);
      const input = { batch_input: [{ input: 'AAAA' }] };
      const signing = vault.request('POST', `countersign-statements/sign/${other}`, input);
      await expect(signing).rejects.toMatchObject(forbidden);
    }
  });

  it.each([
    { exportable: true },
    { deletion_allowed: true, exportable: true },
    { deletion_allowed: false },
    { allow_plaintext_backup: true },
    ...(service === 'signer' ? [] : [{ deletion_allowed: true }]),
  ])('may not set a key of an owner to %o', async (config) => {
    const path = 'countersign-owners/keys/ops/config';
    await expect(vault.request('POST', path, config)).rejects.toMatchObject(forbidden);
  });
});

import {
  describeOwnerKeys,
  describeStatementKeys,
  describeWalletKeys,
} from '@countersign/ports/suites';
import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type VaultServer, startVault } from '../../../../deploy/local/vault.mjs';
import { VaultOwnerKeys } from './owner-keys.ts';
import { planVault } from './setup.ts';
import { vaultStatementKey, vaultStatementKeyVersions } from './statement-key.ts';
import { loginAs, rootOf, setUp, wanted } from './vault-under-test.ts';
import { Vault } from './vault.ts';
import { VaultWalletKeys } from './wallet-keys.ts';

const DIGEST = `0x${'7'.repeat(64)}`;

let server: VaultServer;
let signer: Vault;
beforeAll(async () => {
  server = await startVault();
  await setUp(server);
}, 1_200_000);
beforeEach(async () => {
  signer = await loginAs(server, 'signer');
});
afterAll(() => server.stop());

/** A suite calls every wallet "ops"; each of its tests gets wallets of its own. */
let tests = 0;
const renamed = (wallet: string) =>
  /^[a-z0-9]+$/.test(wallet) && wallet.length < 40 ? `${wallet}-${tests}` : wallet;

function walletKeys(vault: Vault) {
  const keys = new VaultWalletKeys(vault);
  return {
    capabilities: keys.capabilities,
    create: async (wallet: string) => keys.create(renamed(wallet)),
    address: async (wallet: string) => keys.address(renamed(wallet)),
    sign: async (wallet: string, digest: string) => keys.sign(renamed(wallet), digest),
    revoke: async (wallet: string) => keys.revoke(renamed(wallet)),
    close: () => keys.close(),
  };
}

function ownerKeys(vault: Vault) {
  const keys = new VaultOwnerKeys(vault);
  return {
    make: async (wallet: string, version: number) => keys.make(renamed(wallet), version),
    publicKey: async (wallet: string, version: number) => keys.publicKey(renamed(wallet), version),
    sign: async (wallet: string, version: number, digest: string) =>
      keys.sign(renamed(wallet), version, digest),
    revoke: async (wallet: string) => keys.revoke(renamed(wallet)),
    close: () => keys.close(),
  };
}

const Versions = z.object({
  data: z.object({ versions: z.record(z.string(), z.object({ destroyed: z.boolean() })) }),
});
const Read = z.object({ data: z.object({ data: z.record(z.string(), z.string()) }) });

/** As root sees them: every version of a wallet's record that still holds its wrapped key. */
async function wrappedCopies(wallet: string): Promise<number> {
  const root = rootOf(server);
  const kept = await root.json(Versions, 'GET', `countersign/metadata/wallets/${wallet}`);
  let copies = 0;
  for (const [version, { destroyed }] of Object.entries(kept?.data.versions ?? {})) {
    if (destroyed) continue;
    const path = `countersign/data/wallets/${wallet}?version=${version}`;
    if ((await root.json(Read, 'GET', path))?.data.data['wrapped'] !== undefined) copies += 1;
  }
  return copies;
}

async function transitVersions(wallet: string): Promise<number> {
  const Key = z.object({ data: z.object({ keys: z.record(z.string(), z.unknown()) }) });
  const key = await rootOf(server).json(Key, 'GET', `countersign-owners/keys/${wallet}`);
  return Object.keys(key?.data.keys ?? {}).length;
}

function recover(digest: string, signature: string): string {
  const bytes = Buffer.from(signature.slice(2), 'hex');
  const recovered = Uint8Array.from([(bytes[64] ?? 0) - 27, ...bytes.subarray(0, 64)]);
  const message = Buffer.from(digest.slice(2), 'hex');
  const compressed = secp256k1.recoverPublicKey(recovered, message, { prehash: false });
  const point = secp256k1.Point.fromBytes(compressed).toBytes(false);
  return `0x${Buffer.from(keccak_256(point.subarray(1)).subarray(-20)).toString('hex')}`;
}

describeWalletKeys('Vault', async () => {
  tests += 1;
  const opened = [await loginAs(server, 'signer')];
  return {
    keys: walletKeys(opened[0]!),
    async openAgain() {
      const again = await loginAs(server, 'signer');
      opened.push(again);
      return walletKeys(again);
    },
    recover,
    copiesLeft: (wallet) => wrappedCopies(renamed(wallet)),
    dispose: async () => {
      for (const vault of opened) vault.close();
    },
  };
});

describeOwnerKeys('Vault', async () => {
  tests += 1;
  const opened = [await loginAs(server, 'signer')];
  return {
    keys: ownerKeys(opened[0]!),
    async openAgain() {
      const again = await loginAs(server, 'signer');
      opened.push(again);
      return ownerKeys(again);
    },
    verify: (publicKey, digest, signature) =>
      p256.verify(
        Buffer.from(signature.slice(2), 'hex'),
        Buffer.from(digest.slice(2), 'hex'),
        Buffer.from(`04${publicKey.slice(2)}`, 'hex'),
        { prehash: false, lowS: true },
      ),
    copiesLeft: (wallet) => transitVersions(renamed(wallet)),
    dispose: async () => {
      for (const vault of opened) vault.close();
    },
  };
});

describeStatementKeys('Vault', async () => ({
  open: async (service) => vaultStatementKey(await loginAs(server, service), service),
  dispose: async () => undefined,
}));

it('a statement key that was rotated is listed with every version, and signs with the newest', async () => {
  const vault = rootOf(server);
  const before = await vaultStatementKey(vault, 'settlement');
  await vault.request('POST', 'countersign-statements/keys/settlement/rotate', {});
  const after = await vaultStatementKey(vault, 'settlement');
  expect(after.publicKey).not.toBe(before.publicKey);
  const versions = await vaultStatementKeyVersions(vault, 'settlement');
  expect(versions.slice(-2)).toEqual([before.publicKey, after.publicKey]);
});

describe('set-up', () => {
  it('has nothing left to do once it was done', async () => {
    expect(await planVault(rootOf(server), wanted)).toEqual([]);
  });

  it('says what it would change', async () => {
    const [first, ...rest] = wanted.roles;
    if (!first) throw new Error('no roles');
    const other = { roles: [{ ...first, policy: `${first.policy}# more\n` }, ...rest] };
    const steps = await planVault(rootOf(server), other);
    expect(steps.map((step) => step.what)).toEqual(['change the policy countersign-intake']);
  });
});

describe('a wallet’s key', () => {
  it('cannot be unwrapped in the name of another wallet', async () => {
    const keys = new VaultWalletKeys(signer);
    await keys.create('mine');
    await keys.create('theirs');
    const Kept = z.object({ data: z.object({ data: z.record(z.string(), z.string()) }) });
    const theirs = await signer.json(Kept, 'GET', 'countersign/data/wallets/theirs');
    await signer.json(z.unknown(), 'POST', 'countersign/data/wallets/mine', {
      data: theirs?.data.data ?? {},
    });
    await expect(keys.sign('mine', DIGEST)).rejects.toMatchObject({ code: 'key_damaged' });
  });

  it('stays what it was when the wrapping key is rotated', async () => {
    const keys = new VaultWalletKeys(signer);
    const address = await keys.create('older');
    await rootOf(server).json(z.unknown(), 'POST', 'countersign-wallets/keys/wallets/rotate', {});
    expect(recover(DIGEST, await keys.sign('older', DIGEST))).toBe(address);
    expect(recover(DIGEST, await keys.sign('older', DIGEST))).not.toBe(await keys.create('newer'));
  });

  it('of an owner is the version that was named, also after somebody rotated it in Vault', async () => {
    const keys = new VaultOwnerKeys(signer);
    const owner = await keys.make('account', 1);
    await rootOf(server).json(z.unknown(), 'POST', 'countersign-owners/keys/account/rotate', {});
    const signature = Buffer.from((await keys.sign('account', 1, DIGEST)).slice(2), 'hex');
    const point = Buffer.from(`04${owner.slice(2)}`, 'hex');
    const digest = Buffer.from(DIGEST.slice(2), 'hex');
    expect(p256.verify(signature, digest, point, { prehash: false, lowS: true })).toBe(true);
  });
});

describe('a token', () => {
  it('that was revoked is replaced by a new login', async () => {
    const key = await vaultStatementKey(signer, 'signer');
    await signer.request('POST', 'auth/token/revoke-self', {});
    expect(await key.sign('still there')).toMatch(/^[\w-]{86}$/);
  });

  it('is renewed while it is used, and left for a new one when it has ended', async () => {
    let nowMs = 0;
    const vault = await loginAs(server, 'signer', () => nowMs);
    const Token = z.object({
      data: z.object({ id: z.string(), last_renewal_time: z.number().optional() }),
    });
    const look = async () => (await vault.json(Token, 'GET', 'auth/token/lookup-self'))?.data;
    const first = await look();
    expect(first?.last_renewal_time).toBeUndefined();
    nowMs += 15 * 60_000;
    expect(await look()).toMatchObject({ id: first?.id, last_renewal_time: expect.any(Number) });
    nowMs += 60 * 60_000;
    expect((await look())?.id).not.toBe(first?.id);
  });

  it('is never part of a message', async () => {
    const sealed = new Vault({
      address: server.url,
      auth: { kind: 'token', read: async () => 'hvs.secret-token' },
    });
    const error: unknown = await sealed.request('GET', 'sys/mounts').catch((it: unknown) => it);
    expect(String(error)).toContain('this identity may not');
    expect(String(error)).not.toContain('hvs.');
  });
});

describe('a Vault that', () => {
  const later = { name: 'Fault', code: 'keys_unavailable', retryable: true };

  it('cannot be reached says so, and is tried again by whoever asks again', async () => {
    const keys = new VaultWalletKeys(signer);
    await keys.create('patient');
    await server.pause();
    const slow = new Vault({
      address: server.url,
      auth: { kind: 'token', read: async () => server.token },
      timeoutMs: 200,
    });
    await expect(new VaultWalletKeys(slow).sign('patient', DIGEST)).rejects.toMatchObject(later);
    server.resume();
    expect(await keys.sign('patient', DIGEST)).toMatch(/^0x/);
  });

  it('is sealed signs nothing', async () => {
    const keys = new VaultWalletKeys(signer);
    await keys.create('sealed');
    await rootOf(server).json(z.unknown(), 'PUT', 'sys/seal', {});
    await expect(keys.sign('sealed', DIGEST)).rejects.toMatchObject(later);
  });
});

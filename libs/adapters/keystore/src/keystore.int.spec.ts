import { chmod, copyFile, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  describeOwnerKeys,
  describeStatementKeys,
  describeWalletKeys,
} from '@countersign/ports/suites';
import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Keystore, openKeystore } from './keystore.ts';

/** The least that is allowed: here only correctness counts, not what guessing costs. */
const CHEAP = { scryptLog2: 14 };
const DIGEST = `0x${'7'.repeat(64)}`;

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'keystore-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const inHome = (name: string) => join(home, name);
const keyFile = (name: string) => join(home, 'keys', name);
const open = (): Promise<Keystore> =>
  openKeystore({
    folder: inHome('keys'),
    passphraseFile: inHome('passphrase'),
    ...CHEAP,
  });

function recover(digest: string, signature: string): string {
  const bytes = Buffer.from(signature.slice(2), 'hex');
  const recovered = Uint8Array.from([(bytes[64] ?? 0) - 27, ...bytes.subarray(0, 64)]);
  const message = Buffer.from(digest.slice(2), 'hex');
  const compressed = secp256k1.recoverPublicKey(recovered, message, { prehash: false });
  const point = secp256k1.Point.fromBytes(compressed).toBytes(false);
  return `0x${Buffer.from(keccak_256(point.subarray(1)).subarray(-20)).toString('hex')}`;
}

/** Files of this name that hold more than nothing, sealed: nonce and tag alone. */
async function copiesLeft(isOf: (file: string) => boolean): Promise<number> {
  const files = (await readdir(inHome('keys'))).filter(isOf);
  const texts = await Promise.all(files.map((file) => readFile(keyFile(file), 'utf8')));
  const sealed = texts.map((text) => Buffer.from(JSON.parse(text).sealed, 'base64'));
  return sealed.filter(({ length }) => length > 12 + 16).length;
}

describeWalletKeys('local keystore', async () => {
  const opened = [await open()];
  return {
    keys: opened[0]!.wallets,
    async openAgain() {
      const again = await open();
      opened.push(again);
      return again.wallets;
    },
    recover,
    copiesLeft: (wallet) => copiesLeft((file) => file === `wallet.${wallet}.json`),
    dispose: async () => {
      for (const { wallets } of opened) await wallets.close();
    },
  };
});

describeOwnerKeys('local keystore', async () => {
  const opened = [await open()];
  return {
    keys: opened[0]!.owners,
    async openAgain() {
      const again = await open();
      opened.push(again);
      return again.owners;
    },
    verify: (publicKey, digest, signature) => {
      const [key, message, rs] = [publicKey, digest, signature].map((hex) =>
        Buffer.from(hex.slice(2), 'hex'),
      );
      const point = Buffer.concat([Buffer.from([4]), key!]);
      return p256.verify(rs!, message!, point, { prehash: false, lowS: true });
    },
    copiesLeft: (wallet) => copiesLeft((file) => file.startsWith(`owner.${wallet}@`)),
    dispose: async () => {
      for (const { owners } of opened) await owners.close();
    },
  };
});

describe('a local keystore', () => {
  it('says that it is not for production', async () => {
    expect((await open()).wallets.capabilities.production).toBe(false);
  });

  it('lets nobody but its owner read what it writes', async () => {
    const keystore = await open();
    await keystore.wallets.create('ops');
    await keystore.statementKey('policy');
    const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
    expect(await mode(inHome('keys'))).toBe('700');
    expect(await mode(inHome('passphrase'))).toBe('600');
    const files = await readdir(inHome('keys'));
    expect(files.sort()).toEqual(['keystore.json', 'statement.policy.json', 'wallet.ops.json']);
    for (const file of files) expect(await mode(keyFile(file))).toBe('600');
  });

  it('takes the name of a wallet of a tenant', async () => {
    const { wallets } = await open();
    expect(await wallets.create('acme.ops')).not.toBe(await wallets.create('globex.ops'));
    await expect(wallets.create('acme..ops')).rejects.toMatchObject({ code: 'invalid_name' });
    await expect(wallets.create('.ops')).rejects.toMatchObject({ code: 'invalid_name' });
  });

  it('is made once when two processes start at the same time', async () => {
    const [one, two] = await Promise.all([open(), open()]);
    const address = await one.wallets.create('ops');
    expect(await two.wallets.address('ops')).toBe(address);
    expect(await (await open()).wallets.address('ops')).toBe(address);
  });

  it('shows no key bytes in any file', async () => {
    const { wallets } = await open();
    await wallets.create('ops');
    const { sealed, ...label } = JSON.parse(await readFile(keyFile('wallet.ops.json'), 'utf8'));
    expect(label).toEqual({
      version: 1,
      kind: 'wallet',
      name: 'ops',
      identity: await wallets.address('ops'),
      state: 'active',
    });
    // Nonce, key and tag, and nothing beside them.
    expect(Buffer.from(sealed, 'base64')).toHaveLength(12 + 32 + 16);
  });
});

describe('the passphrase', () => {
  it('may end in a line break, as editors write it', async () => {
    await writeFile(inHome('passphrase'), 'correct horse');
    const address = await (await open()).wallets.create('ops');
    await writeFile(inHome('passphrase'), 'correct horse\r\n');
    expect(await (await open()).wallets.address('ops')).toBe(address);
  });

  it('opens nothing when it is another one', async () => {
    await open();
    await writeFile(inHome('passphrase'), 'guess');
    await expect(open()).rejects.toMatchObject({ code: 'wrong_passphrase', retryable: false });
  });

  it('is not made up when it is gone but its keystore is there', async () => {
    await open();
    await rm(inHome('passphrase'));
    await expect(open()).rejects.toMatchObject({ code: 'passphrase_missing', retryable: false });
    await expect(stat(inHome('passphrase'))).rejects.toThrow('ENOENT');
  });

  it('is not empty', async () => {
    await writeFile(inHome('passphrase'), '\n');
    await expect(open()).rejects.toMatchObject({ code: 'passphrase_missing' });
  });
});

describe('a keystore somebody changed', () => {
  const damaged = { name: 'Fault', code: 'key_damaged', retryable: false };
  const edit = async (file: string, change: (text: string) => string) => {
    const before = await readFile(keyFile(file), 'utf8');
    const after = change(before);
    expect(after).not.toBe(before);
    await writeFile(keyFile(file), after);
  };
  let keystore: Keystore;
  beforeEach(async () => {
    keystore = await open();
    await keystore.wallets.create('ops');
    await keystore.wallets.create('other');
    await keystore.statementKey('policy');
  });

  it.each<[string, (text: string) => string]>([
    ['one bit of the sealed key', (text) => text.replace(/"sealed": "./, flipped)],
    ['the address', (text) => text.replace(/0x.{40}/, `0x${'1'.repeat(40)}`)],
    ['the state', (text) => text.replace('active', 'revoked')],
    ['a state nobody knows', (text) => text.replace('active', 'better')],
    ['the version', (text) => text.replace('"version": 1', '"version": 2')],
    ['the length', (text) => text.slice(0, text.length / 2)],
    ['the sealed key, cut short', (text) => text.replace(/"sealed": ".*"/, '"sealed": "AAAA"')],
    ['everything', () => 'null'],
    ['a lone surrogate', (text) => text.replace(/0x.{40}/, String.raw`\ud800`)],
  ])('does not sign after a change of %s', async (_what, change) => {
    await edit('wallet.ops.json', change);
    await expect(keystore.wallets.sign('ops', DIGEST)).rejects.toMatchObject(damaged);
    await expect(keystore.wallets.address('ops')).rejects.toMatchObject(damaged);
    await expect(keystore.wallets.create('ops')).rejects.toMatchObject(damaged);
    await expect(keystore.wallets.revoke('ops')).rejects.toMatchObject(damaged);
    expect(await keystore.wallets.sign('other', DIGEST)).toMatch(/^0x/);
  });

  it('does not take one wallet for another', async () => {
    await copyFile(keyFile('wallet.other.json'), keyFile('wallet.ops.json'));
    await expect(keystore.wallets.sign('ops', DIGEST)).rejects.toMatchObject(damaged);
    await edit('wallet.ops.json', (text) => text.replace('"other"', '"ops"'));
    await expect(keystore.wallets.sign('ops', DIGEST)).rejects.toMatchObject(damaged);
  });

  it('does not take the key of statements for the key of a wallet', async () => {
    await copyFile(keyFile('statement.policy.json'), keyFile('wallet.ops.json'));
    await edit('wallet.ops.json', (text) =>
      text.replace('"statement"', '"wallet"').replace('"policy"', '"ops"'),
    );
    await expect(keystore.wallets.sign('ops', DIGEST)).rejects.toMatchObject(damaged);
  });

  it('does not make a revoked wallet active by a word', async () => {
    await keystore.wallets.revoke('ops');
    await edit('wallet.ops.json', (text) => text.replace('revoked', 'active'));
    await expect(keystore.wallets.sign('ops', DIGEST)).rejects.toMatchObject(damaged);
  });

  it('does not open under another salt, nor spend its memory on a mad cost', async () => {
    const before = await readFile(keyFile('keystore.json'), 'utf8');
    await edit('keystore.json', (text) => text.replace(/"salt": "..../, '"salt": "AAAA'));
    await expect(open()).rejects.toMatchObject({ code: 'wrong_passphrase' });
    await writeFile(keyFile('keystore.json'), before);
    await edit('keystore.json', (text) => text.replace('14', '30'));
    await expect(open()).rejects.toMatchObject({ code: 'keystore_damaged', retryable: false });
  });

  it('does not open the key of another keystore', async () => {
    const foreign = await openKeystore({
      folder: inHome('foreign'),
      passphraseFile: inHome('passphrase'),
      ...CHEAP,
    });
    await foreign.wallets.create('ops');
    await copyFile(join(home, 'foreign', 'wallet.ops.json'), keyFile('wallet.ops.json'));
    await expect(keystore.wallets.sign('ops', DIGEST)).rejects.toMatchObject(damaged);
  });

  it('says that a key it cannot read may be read later', async () => {
    const { wallets } = keystore;
    await rm(keyFile('wallet.ops.json'));
    await rm(inHome('keys'), { recursive: true });
    await writeFile(inHome('keys'), 'a file where the folder was');
    await chmod(inHome('keys'), 0o600);
    const later = { code: 'keys_unavailable', retryable: true };
    await expect(wallets.sign('ops', DIGEST)).rejects.toMatchObject(later);
    await expect(wallets.create('new')).rejects.toMatchObject(later);
  });
});

function flipped(found: string): string {
  return found.slice(0, -1) + (found.endsWith('A') ? 'B' : 'A');
}

describeStatementKeys('local keystore', async () => ({
  open: async (service) => (await open()).statementKey(service),
  dispose: async () => undefined,
}));

describe('the key of a service', () => {
  it('has a name that leads nowhere else', async () => {
    const keystore = await open();
    await expect(keystore.statementKey('../policy')).rejects.toMatchObject({
      code: 'invalid_name',
    });
  });
});

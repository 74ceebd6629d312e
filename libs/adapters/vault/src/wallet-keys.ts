import { Fault, invariant } from '@countersign/kernel';
import type { WalletKeys } from '@countersign/ports';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { z } from 'zod';
import {
  DATA_KEY_PATH,
  DECRYPT_PATH,
  walletContext,
  walletDestroyPath,
  walletPath,
} from './places.ts';
import { Records } from './records.ts';
import { fieldOf, takePlaintext } from './secret-bytes.ts';
import { UnderWay } from './under-way.ts';
import type { Vault } from './vault.ts';

const WalletRecord = z.discriminatedUnion('state', [
  z.strictObject({
    state: z.literal('active'),
    address: z.string(),
    /** The key, as transit wrapped it for this wallet. */
    wrapped: z.string(),
  }),
  z.strictObject({
    state: z.literal('revoked'),
    address: z.string(),
    /** Of a wallet whose key is still to be destroyed. */
    wrapped: z.string().optional(),
  }),
]);
type WalletRecord = z.infer<typeof WalletRecord>;

/**
 * secp256k1 keys, which transit cannot sign with. Vault makes each one, wrapped under a key derived for its wallet, and
 * keeps the ciphertext; it is unwrapped in this process's memory for one signature, and wiped. A key wrapped for one
 * wallet cannot be unwrapped in the name of another.
 */
export class VaultWalletKeys implements WalletKeys {
  readonly capabilities = { production: true };
  readonly #vault: Vault;
  readonly #records: Records<WalletRecord>;
  readonly #signing = new UnderWay();

  constructor(vault: Vault) {
    this.#vault = vault;
    this.#records = new Records(vault, WalletRecord);
  }

  async create(wallet: string): Promise<string> {
    const path = walletPath(wallet);
    const known = await this.#records.read(path);
    if (known) return known.record.address;
    const made = await this.#made(wallet);
    await this.#records.write(path, { ...made, state: 'active' }, 0);
    // What is kept counts: another process may have been first.
    const kept = await this.#records.read(path);
    invariant(kept, 'a wallet record vanished right after it was written');
    return kept.record.address;
  }

  async address(wallet: string): Promise<string | undefined> {
    return (await this.#records.read(walletPath(wallet)))?.record.address;
  }

  async sign(wallet: string, digest: string): Promise<string> {
    invariant(/^0x[0-9a-fA-F]{64}$/.test(digest), 'a digest is 0x and 64 hex digits');
    return this.#signing.run(wallet, async () => {
      const kept = await this.#records.read(walletPath(wallet));
      if (!kept) throw unknown(wallet);
      if (kept.record.state === 'revoked') throw revoked(wallet);
      const secret = await this.#unwrapped(wallet, kept.record.wrapped);
      try {
        invariant(addressOf(secret) === kept.record.address, `the key of "${wallet}" is another's`);
        return signatureOf(Buffer.from(digest.slice(2), 'hex'), secret);
      } finally {
        secret.fill(0);
      }
    });
  }

  /** @throws Fault `wallet_unknown` for a wallet without a key: there is nothing that a later `create` would heed. */
  async revoke(wallet: string): Promise<void> {
    const path = walletPath(wallet);
    for (;;) {
      const kept = await this.#records.read(path);
      if (!kept) throw unknown(wallet);
      const { record, version } = kept;
      if (record.state === 'revoked' && record.wrapped === undefined) {
        // A signature under way read the record before: none may come out once this is acknowledged.
        await this.#signing.settled(wallet);
        return this.#records.destroyBefore(walletDestroyPath(wallet), version);
      }
      await this.#records.write(path, { state: 'revoked', address: record.address }, version);
    }
  }

  async close(): Promise<void> {
    this.#vault.close();
  }

  async #made(wallet: string): Promise<{ address: string; wrapped: string }> {
    for (;;) {
      const body = { context: walletContext(wallet), bits: 256 };
      const answer = await this.#vault.request('POST', DATA_KEY_PATH, body);
      if (answer.status !== 200)
        throw new Fault('keys_refused', `Vault made no key (${answer.status})`, {
          retryable: false,
        });
      const wrapped = Buffer.from(fieldOf(answer.body, 'ciphertext')).toString('latin1');
      const secret = takePlaintext(answer.body);
      try {
        // One in 2^128 is not a key of the curve.
        if (secp256k1.utils.isValidSecretKey(secret))
          return { address: addressOf(secret), wrapped };
      } finally {
        secret.fill(0);
      }
    }
  }

  async #unwrapped(wallet: string, ciphertext: string): Promise<Uint8Array> {
    const body = { ciphertext, context: walletContext(wallet) };
    const answer = await this.#vault.request('POST', DECRYPT_PATH, body);
    if (answer.status === 200) return takePlaintext(answer.body);
    throw new Fault('key_damaged', `the key of "${wallet}" cannot be unwrapped`, {
      retryable: false,
    });
  }
}

function unknown(wallet: string): Fault {
  const message = `there is no key of the wallet "${wallet}"`;
  return new Fault('wallet_unknown', message, { retryable: false });
}

function revoked(wallet: string): Fault {
  return new Fault('wallet_revoked', `the wallet "${wallet}" is revoked`, { retryable: false });
}

/** r, s and v, as Ethereum has them: the recovery bit last, plus 27. */
function signatureOf(digest: Uint8Array, secret: Uint8Array): string {
  const options = { prehash: false, lowS: true, format: 'recovered' } as const;
  const signature = secp256k1.sign(digest, secret, options);
  const v = 27 + (signature[0] ?? 0);
  return `0x${Buffer.from(signature.subarray(1)).toString('hex')}${v.toString(16)}`;
}

function addressOf(secret: Uint8Array): string {
  const hash = keccak_256(secp256k1.getPublicKey(secret, false).subarray(1));
  return `0x${Buffer.from(hash.subarray(12)).toString('hex')}`;
}

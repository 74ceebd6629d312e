import { Fault, invariant } from '@countersign/kernel';
import type { WalletKeys } from '@countersign/ports';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import type { SealedFolder } from './sealed-folder.ts';

/**
 * Wallet keys in a sealed folder. A key is read, used and wiped for each signature, so a file that was taken away,
 * revoked or changed counts at once. What JavaScript cannot wipe are the numbers the curve library computes with.
 * Names are those of contracts, or two of them with a dot between, such as `acme.ops`.
 */
export class LocalWalletKeys implements WalletKeys {
  readonly capabilities = { production: false };
  readonly #folder: SealedFolder;
  readonly #signing = new Set<Promise<unknown>>();

  constructor(folder: SealedFolder) {
    this.#folder = folder;
  }

  async create(wallet: string): Promise<string> {
    const known = await this.address(wallet);
    if (known !== undefined) return known;
    const secret = secp256k1.utils.randomSecretKey();
    try {
      const identity = addressOf(secret);
      await this.#folder.add(secret, { kind: 'wallet', name: wallet, identity, state: 'active' });
    } finally {
      secret.fill(0);
    }
    // What is in the folder counts: another process may have been first.
    const kept = await this.address(wallet);
    invariant(kept !== undefined, 'a key file vanished right after it was written');
    return kept;
  }

  /** @throws Fault `invalid_name` or `key_damaged`, not retryable; `keys_unavailable`, retryable. */
  async address(wallet: string): Promise<string | undefined> {
    return this.#folder.open('wallet', wallet, (_secret, { identity }) => identity);
  }

  async sign(wallet: string, digest: string): Promise<string> {
    invariant(/^0x[0-9a-fA-F]{64}$/.test(digest), 'a digest is 0x and 64 hex digits');
    const signing = this.#folder.open('wallet', wallet, (secret, { state }) => {
      if (state === 'active') return signatureOf(Buffer.from(digest.slice(2), 'hex'), secret);
      throw new Fault('wallet_revoked', `the wallet "${wallet}" is revoked`, { retryable: false });
    });
    this.#signing.add(signing);
    try {
      return (await signing) ?? unknown(wallet);
    } finally {
      this.#signing.delete(signing);
    }
  }

  /** @throws Fault `wallet_unknown` for a wallet without a key: there is nothing that a later `create` would heed. */
  async revoke(wallet: string): Promise<void> {
    const label = await this.#folder.open('wallet', wallet, (_secret, it) => it);
    if (!label) return unknown(wallet);
    await this.#folder.empty(label);
    // A signature under way read the old file: none may come out once this is acknowledged.
    await Promise.allSettled(this.#signing);
  }

  async close(): Promise<void> {
    this.#folder.close();
  }
}

function unknown(wallet: string): never {
  throw new Fault('wallet_unknown', `there is no key of the wallet "${wallet}"`, {
    retryable: false,
  });
}

/** r, s and v; noble puts the recovery bit first, Ethereum puts it last and adds 27. */
export function signatureOf(digest: Uint8Array, secret: Uint8Array): string {
  const options = { prehash: false, lowS: true, format: 'recovered' } as const;
  const [recovery = 0, ...rs] = secp256k1.sign(digest, secret, options);
  return `0x${Buffer.from([...rs, 27 + recovery]).toString('hex')}`;
}

/** The EVM address of a secp256k1 key, in lower case. */
export function addressOf(secret: Uint8Array): string {
  const point = secp256k1.getPublicKey(secret, false);
  return `0x${Buffer.from(keccak_256(point.subarray(1)).subarray(-20)).toString('hex')}`;
}

import { Fault, invariant } from '@countersign/kernel';
import type { OwnerKeys } from '@countersign/ports';
import { p256 } from '@noble/curves/nist.js';
import type { Label, SealedFolder } from './sealed-folder.ts';

/**
 * P-256 keys in a sealed folder, a file for each version. Node's own crypto hashes whatever it signs, and what is signed
 * here is a digest already; so the curve library of the other wallets signs these too.
 */
export class LocalOwnerKeys implements OwnerKeys {
  readonly #folder: SealedFolder;
  readonly #signing = new Set<Promise<unknown>>();

  constructor(folder: SealedFolder) {
    this.#folder = folder;
  }

  async make(wallet: string, version: number): Promise<string> {
    const known = await this.publicKey(wallet, version);
    if (known !== undefined) return known;
    if (await this.#isRevoked(wallet)) throw revoked(wallet);
    for (let each = 1; each < version; each += 1) await this.#makeOne(wallet, each);
    return this.#makeOne(wallet, version);
  }

  /** @throws Fault `invalid_name` or `key_damaged`, not retryable; `keys_unavailable`, retryable. */
  async publicKey(wallet: string, version: number): Promise<string | undefined> {
    return this.#open(wallet, version, (_secret, { identity }) => identity);
  }

  async sign(wallet: string, version: number, digest: string): Promise<string> {
    invariant(/^0x[0-9a-fA-F]{64}$/.test(digest), 'a digest is 0x and 64 hex digits');
    const signing = this.#sign(wallet, version, Buffer.from(digest.slice(2), 'hex'));
    this.#signing.add(signing);
    try {
      return await signing;
    } finally {
      this.#signing.delete(signing);
    }
  }

  /** @throws Fault `wallet_unknown` for a wallet without a key: there is nothing that a later `make` would heed. */
  async revoke(wallet: string): Promise<void> {
    // The first version first: it says for all of them that they are revoked.
    for (let version = 1; ; version += 1) {
      const label = await this.#open(wallet, version, (_secret, it) => it);
      if (!label && version === 1) return unknown(wallet, 1);
      if (!label) break;
      await this.#folder.empty(label);
    }
    // A signature under way read an old file: none may come out once this is acknowledged.
    await Promise.allSettled(this.#signing);
  }

  async close(): Promise<void> {
    this.#folder.close();
  }

  async #sign(wallet: string, version: number, digest: Uint8Array): Promise<string> {
    if (await this.#isRevoked(wallet)) throw revoked(wallet);
    const signature = await this.#open(wallet, version, (secret, { state }) => {
      if (state === 'revoked') throw revoked(wallet);
      return p256.sign(digest, secret, { prehash: false, lowS: true, format: 'compact' });
    });
    return signature ? `0x${Buffer.from(signature).toString('hex')}` : unknown(wallet, version);
  }

  /** The first version says whether the wallet is revoked: it is there before any other, and stays. */
  async #isRevoked(wallet: string): Promise<boolean> {
    return (await this.#open(wallet, 1, (_secret, { state }) => state)) === 'revoked';
  }

  async #makeOne(wallet: string, version: number): Promise<string> {
    const known = await this.publicKey(wallet, version);
    if (known !== undefined) return known;
    const secret = p256.utils.randomSecretKey();
    try {
      const identity = publicKeyOf(secret);
      const name = nameOf(wallet, version);
      await this.#folder.add(secret, { kind: 'owner', name, identity, state: 'active' });
    } finally {
      secret.fill(0);
    }
    // What is in the folder counts: another process may have been first.
    const kept = await this.publicKey(wallet, version);
    invariant(kept !== undefined, 'a key file vanished right after it was written');
    return kept;
  }

  #open<T>(wallet: string, version: number, use: (secret: Uint8Array, label: Label) => T) {
    return this.#folder.open('owner', nameOf(wallet, version), use);
  }
}

function nameOf(wallet: string, version: number): string {
  return `${wallet}@${version}`;
}

function revoked(wallet: string): Fault {
  return new Fault('wallet_revoked', `the wallet "${wallet}" is revoked`, { retryable: false });
}

function unknown(wallet: string, version: number): never {
  throw new Fault('wallet_unknown', `the wallet "${wallet}" has no owner key ${version}`, {
    retryable: false,
  });
}

/** x and y of the point. */
function publicKeyOf(secret: Uint8Array): string {
  return `0x${Buffer.from(p256.getPublicKey(secret, false).subarray(1)).toString('hex')}`;
}

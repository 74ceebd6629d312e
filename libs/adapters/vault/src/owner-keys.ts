import { createPublicKey } from 'node:crypto';
import { Fault, invariant } from '@countersign/kernel';
import type { OwnerKeys } from '@countersign/ports';
import { z } from 'zod';
import { ownerKeyPath, ownerPath, ownerSignPath } from './places.ts';
import { Records } from './records.ts';
import { UnderWay } from './under-way.ts';
import type { Vault } from './vault.ts';

const OwnerRecord = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('active') }),
  /** Public keys of what was destroyed, the first version's at 0. */
  z.strictObject({ state: z.literal('revoked'), keys: z.array(z.string()).optional() }),
]);
type OwnerRecord = z.infer<typeof OwnerRecord>;

const TransitKey = z.object({
  data: z.object({
    type: z.literal('ecdsa-p256'),
    keys: z.record(z.string(), z.object({ public_key: z.string() })),
  }),
});
const Signature = z.object({
  data: z.object({ signature: z.string().regex(/^vault:v\d+:[\w-]{86}$/) }),
});

/** Order of P-256's base point (SEC 2, section 2.4.2). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/**
 * P-256 keys that never leave Vault: one transit key for each wallet, whose versions are the owner's versions. Each
 * signature names its version, so that a rotation in Vault alone changes nothing.
 */
export class VaultOwnerKeys implements OwnerKeys {
  readonly #vault: Vault;
  readonly #records: Records<OwnerRecord>;
  readonly #signing = new UnderWay();
  /** A version, once made, keeps its public key. */
  readonly #known = new Map<string, string>();

  constructor(vault: Vault) {
    this.#vault = vault;
    this.#records = new Records(vault, OwnerRecord);
  }

  async make(wallet: string, version: number): Promise<string> {
    const key = ownerKeyPath(wallet);
    const kept = await this.#records.read(ownerPath(wallet));
    if (kept?.record.state === 'revoked') {
      const known = await this.publicKey(wallet, version);
      if (known !== undefined) return known;
      throw revoked(wallet);
    }
    // Made again, a key is left as it is.
    await this.#vault.json(z.unknown(), 'POST', key, { type: 'ecdsa-p256' });
    await this.#records.write(ownerPath(wallet), { state: 'active' }, 0);
    for (;;) {
      const made = await this.publicKey(wallet, version);
      if (made !== undefined) return made;
      // Two processes at once make one version too many, which nobody names.
      await this.#vault.json(z.unknown(), 'POST', `${key}/rotate`, {});
    }
  }

  async publicKey(wallet: string, version: number): Promise<string | undefined> {
    const known = this.#known.get(`${wallet}@${version}`);
    if (known !== undefined) return known;
    const kept = await this.#records.read(ownerPath(wallet));
    const point =
      kept?.record.state === 'revoked' && kept.record.keys
        ? kept.record.keys[version - 1]
        : (await this.#inTransit(wallet))[version - 1];
    if (point !== undefined) this.#known.set(`${wallet}@${version}`, point);
    return point;
  }

  async sign(wallet: string, version: number, digest: string): Promise<string> {
    invariant(/^0x[0-9a-fA-F]{64}$/.test(digest), 'a digest is 0x and 64 hex digits');
    return this.#signing.run(wallet, async () => {
      const kept = await this.#records.read(ownerPath(wallet));
      if (kept?.record.state === 'revoked') throw revoked(wallet);
      if (!kept || (await this.publicKey(wallet, version)) === undefined)
        throw unknown(wallet, version);
      const answer = await this.#vault.json(Signature, 'POST', ownerSignPath(wallet), {
        input: Buffer.from(digest.slice(2), 'hex').toString('base64'),
        prehashed: true,
        marshaling_algorithm: 'jws',
        key_version: version,
      });
      const encoded = answer?.data.signature.split(':')[2];
      if (encoded === undefined) throw unknown(wallet, version);
      return withLowS(Buffer.from(encoded, 'base64url'));
    });
  }

  /** @throws Fault `wallet_unknown` for a wallet without a key: there is nothing that a later `make` would heed. */
  async revoke(wallet: string): Promise<void> {
    const path = ownerPath(wallet);
    for (;;) {
      const kept = await this.#records.read(path);
      if (!kept) throw unknown(wallet, 1);
      if (kept.record.state === 'revoked' && kept.record.keys) break;
      const keys = await this.#inTransit(wallet);
      await this.#records.write(path, { state: 'revoked', keys: [...keys] }, kept.version);
    }
    // A signature under way read the record before: none may come out once this is acknowledged.
    await this.#signing.settled(wallet);
    const key = ownerKeyPath(wallet);
    if ((await this.#vault.json(TransitKey, 'GET', key)) === undefined) return;
    await this.#vault.json(z.unknown(), 'POST', `${key}/config`, { deletion_allowed: true });
    await this.#vault.json(z.unknown(), 'DELETE', key);
  }

  async close(): Promise<void> {
    this.#vault.close();
  }

  /** Public keys of the versions that transit holds, the first one's at 0. */
  async #inTransit(wallet: string): Promise<readonly string[]> {
    const key = await this.#vault.json(TransitKey, 'GET', ownerKeyPath(wallet));
    const versions = Object.entries(key?.data.keys ?? {}).sort(([a], [b]) => Number(a) - Number(b));
    return versions.map(([, { public_key: pem }]) => pointOf(pem));
  }
}

function revoked(wallet: string): Fault {
  return new Fault('wallet_revoked', `the wallet "${wallet}" is revoked`, { retryable: false });
}

function unknown(wallet: string, version: number): Fault {
  const message = `the wallet "${wallet}" has no owner key ${version}`;
  return new Fault('wallet_unknown', message, { retryable: false });
}

/** x and y of a public key in PEM. */
function pointOf(pem: string): string {
  const { x, y } = createPublicKey(pem).export({ format: 'jwk' });
  invariant(x !== undefined && y !== undefined, 'a P-256 key has no point');
  return `0x${[x, y].map((it) => Buffer.from(it, 'base64url').toString('hex')).join('')}`;
}

/** Of the two s that verify, the one that accounts take. */
function withLowS(signature: Uint8Array): string {
  const hex = Buffer.from(signature).toString('hex');
  const s = BigInt(`0x${hex.slice(64)}`);
  const low = s > ORDER / 2n ? ORDER - s : s;
  return `0x${hex.slice(0, 64)}${low.toString(16).padStart(64, '0')}`;
}

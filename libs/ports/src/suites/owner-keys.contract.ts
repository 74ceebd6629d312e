import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OwnerKeys } from '../account.ts';

/** One store of owner keys, made for one test. */
export interface OwnerKeysUnderTest {
  readonly keys: OwnerKeys;
  /** The same store, opened once more beside `keys`, as another process would. */
  openAgain(): Promise<OwnerKeys>;
  /** Whether a signature over a digest is that of a public key. */
  verify(publicKey: string, digest: string, signature: string): boolean;
  /** How many copies of the wallet's secrets are left in the store, for whoever may read all of it. */
  copiesLeft(wallet: string): Promise<number>;
  /** Closes what is open and removes what was made. */
  dispose(): Promise<void>;
}

const HALF_ORDER = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n;
const digestOf = (number: number) => `0x${number.toString(16).padStart(64, '0')}`;

/** What every store of owner keys owes its caller. Needs a store that `openAgain` finds again. */
export function describeOwnerKeys(name: string, make: () => Promise<OwnerKeysUnderTest>): void {
  describe(`owner keys: ${name}`, () => {
    let world: OwnerKeysUnderTest;
    let keys: OwnerKeys;
    beforeEach(async () => {
      world = await make();
      keys = world.keys;
    });
    afterEach(() => world.dispose());

    describe('a wallet', () => {
      it('gets one key for each version, however often it is asked for', async () => {
        const first = await keys.make('ops', 1);
        expect(first).toMatch(/^0x[0-9a-f]{128}$/);
        const second = await keys.make('ops', 2);
        expect(second).not.toBe(first);
        const again = await world.openAgain();
        for (const store of [keys, again]) {
          expect(await store.make('ops', 1)).toBe(first);
          expect(await store.make('ops', 2)).toBe(second);
          expect(await store.publicKey('ops', 1)).toBe(first);
          expect(await store.publicKey('ops', 2)).toBe(second);
        }
      });

      it('gets the versions before the one that is asked for', async () => {
        const third = await keys.make('ops', 3);
        const before = [await keys.publicKey('ops', 1), await keys.publicKey('ops', 2)];
        expect(new Set([...before, third, undefined]).size).toBe(4);
      });

      it('gets one key for each version when several ask at once, in several processes', async () => {
        const other = await world.openAgain();
        const asked = await Promise.all([keys, other, keys, other].map((it) => it.make('ops', 2)));
        expect(new Set(asked)).toEqual(new Set([await keys.publicKey('ops', 2)]));
      });

      it('shares its keys with no other wallet', async () => {
        expect(await keys.make('ops', 1)).not.toBe(await keys.make('ops2', 1));
      });

      it('has no key before one is made', async () => {
        await keys.make('ops', 1);
        expect(await keys.publicKey('ops', 2)).toBeUndefined();
        expect(await keys.publicKey('nobody', 1)).toBeUndefined();
      });
    });

    describe('a signature', () => {
      it('is that of the version that was named, and of no other', async () => {
        const owners = [await keys.make('ops', 1), await keys.make('ops', 2)] as const;
        for (let number = 1; number <= 4; number += 1)
          for (const version of [1, 2] as const) {
            const digest = digestOf(number);
            const signature = await keys.sign('ops', version, digest);
            expect(signature).toMatch(/^0x[0-9a-f]{128}$/);
            const verified = owners.map((owner) => world.verify(owner, digest, signature));
            expect(verified).toEqual([version === 1, version === 2]);
          }
      });

      it('has the low s that accounts insist on', async () => {
        await keys.make('ops', 1);
        for (let number = 1; number <= 16; number += 1) {
          const s = BigInt(`0x${(await keys.sign('ops', 1, digestOf(number))).slice(66)}`);
          expect(s > 0n && s <= HALF_ORDER).toBe(true);
        }
      });

      it('is not made without a key', async () => {
        await keys.make('ops', 1);
        const unknown = { name: 'Fault', code: 'wallet_unknown', retryable: false };
        await expect(keys.sign('nobody', 1, digestOf(1))).rejects.toMatchObject(unknown);
        await expect(keys.sign('ops', 2, digestOf(1))).rejects.toMatchObject(unknown);
        expect(await keys.publicKey('ops', 2)).toBeUndefined();
      });

      it.each(['', '0x', '0x12', `${digestOf(1)}00`, digestOf(1).slice(2), `0x${'g'.repeat(64)}`])(
        'is not made of %o, which is no digest',
        async (digest) => {
          await keys.make('ops', 1);
          await expect(keys.sign('ops', 1, digest)).rejects.toThrow();
        },
      );
    });

    describe('a revoked wallet', () => {
      const revoked = { name: 'Fault', code: 'wallet_revoked', retryable: false };

      it('signs nothing any more, with any version, for whoever has the store open', async () => {
        const other = await world.openAgain();
        const first = await keys.make('ops', 2);
        await keys.revoke('ops');
        await keys.revoke('ops');
        for (const store of [keys, other, await world.openAgain()])
          for (const version of [1, 2])
            await expect(store.sign('ops', version, digestOf(1))).rejects.toMatchObject(revoked);
        expect(await keys.publicKey('ops', 2)).toBe(first);
      });

      it('does not come back with a new version', async () => {
        const first = await keys.make('ops', 1);
        await keys.revoke('ops');
        for (const store of [keys, await world.openAgain()]) {
          expect(await store.make('ops', 1)).toBe(first);
          await expect(store.make('ops', 2)).rejects.toMatchObject(revoked);
          await expect(store.sign('ops', 2, digestOf(1))).rejects.toMatchObject(revoked);
        }
        expect(await world.copiesLeft('ops')).toBe(0);
      });

      it('leaves nothing that leads to its keys, and their public ones', async () => {
        const second = await keys.make('ops', 2);
        expect(await world.copiesLeft('ops')).toBe(2);
        await keys.revoke('ops');
        expect(await world.copiesLeft('ops')).toBe(0);
        const again = await world.openAgain();
        await again.revoke('ops');
        expect(await again.publicKey('ops', 2)).toBe(second);
        expect(await again.publicKey('ops', 3)).toBeUndefined();
      });

      it('has to have had a key', async () => {
        const unknown = { name: 'Fault', code: 'wallet_unknown', retryable: false };
        await expect(keys.revoke('nobody')).rejects.toMatchObject(unknown);
      });

      it('gives out no signature after the revocation is acknowledged', async () => {
        await keys.make('ops', 2);
        let acknowledged = false;
        const late: string[] = [];
        const signing = Array.from({ length: 20 }, async (_, number) => {
          await keys.sign('ops', 2, digestOf(number + 1)).then(
            (signature) => acknowledged && late.push(signature),
            () => undefined,
          );
        });
        await keys.revoke('ops');
        acknowledged = true;
        await Promise.all(signing);
        expect(late).toEqual([]);
      });

      it('leaves other wallets alone', async () => {
        await keys.make('ops', 1);
        const owner = await keys.make('other', 1);
        await keys.revoke('ops');
        expect(await world.copiesLeft('other')).toBe(1);
        const signature = await keys.sign('other', 1, digestOf(1));
        expect(world.verify(owner, digestOf(1), signature)).toBe(true);
      });
    });

    describe.each(['../escape', 'a/b', '..', '', 'A', 'a\0b', 'ops@1', 'x'.repeat(65)])(
      'the name %o',
      (wallet) => {
        it('is refused, whatever is asked', async () => {
          const refused = { name: 'Fault', retryable: false };
          await expect(keys.make(wallet, 1)).rejects.toMatchObject(refused);
          await expect(keys.publicKey(wallet, 1)).rejects.toMatchObject(refused);
          await expect(keys.sign(wallet, 1, digestOf(1))).rejects.toMatchObject(refused);
          await expect(keys.revoke(wallet)).rejects.toMatchObject(refused);
        });
      },
    );

    it('can be closed twice, and then signs nothing', async () => {
      await keys.make('ops', 1);
      await keys.close();
      await keys.close();
      await expect(keys.sign('ops', 1, digestOf(1))).rejects.toMatchObject({
        name: 'Fault',
        code: 'keys_unavailable',
      });
    });
  });
}

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WalletKeys } from '../signer.ts';

/** One store of keys, made for one test. */
export interface WalletKeysUnderTest {
  readonly keys: WalletKeys;
  /** The same store, opened once more beside `keys`, as another process would. */
  openAgain(): Promise<WalletKeys>;
  /** Address that a 65-byte signature of a digest leads to, in lower case. */
  recover(digest: string, signature: string): string | Promise<string>;
  /** How many copies of the wallet's secret are left in the store, for whoever may read all of it. */
  copiesLeft(wallet: string): Promise<number>;
  /** Closes what is open and removes what was made. */
  dispose(): Promise<void>;
}

const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
const digestOf = (number: number) => `0x${number.toString(16).padStart(64, '0')}`;

/** What every store of wallet keys owes its caller. Needs a store that `openAgain` finds again. */
export function describeWalletKeys(name: string, make: () => Promise<WalletKeysUnderTest>): void {
  describe(`wallet keys: ${name}`, () => {
    let world: WalletKeysUnderTest;
    let keys: WalletKeys;
    beforeEach(async () => {
      world = await make();
      keys = world.keys;
    });
    afterEach(() => world.dispose());

    describe('a wallet', () => {
      it('gets one key, however often it is asked for', async () => {
        const address = await keys.create('ops');
        expect(address).toMatch(/^0x[0-9a-f]{40}$/);
        expect(await keys.create('ops')).toBe(address);
        expect(await keys.address('ops')).toBe(address);
        expect(await (await world.openAgain()).create('ops')).toBe(address);
      });

      it('gets one key when several ask at once, in several processes', async () => {
        const other = await world.openAgain();
        const asked = [keys, other, keys, other].map((it) => it.create('ops'));
        expect(new Set(await Promise.all(asked)).size).toBe(1);
        expect(await keys.address('ops')).toBe(await asked[0]);
      });

      it('shares its key with no other wallet', async () => {
        expect(await keys.create('ops')).not.toBe(await keys.create('ops2'));
      });

      it('has no address before it has a key', async () => {
        expect(await keys.address('nobody')).toBeUndefined();
      });
    });

    describe('a signature', () => {
      it('leads back to the address of the wallet', async () => {
        const address = await keys.create('ops');
        for (let number = 1; number <= 8; number += 1) {
          const signature = await keys.sign('ops', digestOf(number));
          expect(signature).toMatch(/^0x[0-9a-f]{128}(1b|1c)$/);
          expect(await world.recover(digestOf(number), signature)).toBe(address);
        }
      });

      it('has the low s that tokens insist on', async () => {
        await keys.create('ops');
        for (let number = 1; number <= 16; number += 1) {
          const s = BigInt(`0x${(await keys.sign('ops', digestOf(number))).slice(66, 130)}`);
          expect(s > 0n && s <= HALF_ORDER).toBe(true);
        }
      });

      it('is the same the second time, also after a restart', async () => {
        await keys.create('ops');
        const first = await keys.sign('ops', digestOf(1));
        expect(await keys.sign('ops', digestOf(1))).toBe(first);
        expect(await (await world.openAgain()).sign('ops', digestOf(1))).toBe(first);
        expect(await keys.sign('ops', digestOf(2))).not.toBe(first);
      });

      it('is not made without a key', async () => {
        await expect(keys.sign('nobody', digestOf(1))).rejects.toMatchObject({
          name: 'Fault',
          code: 'wallet_unknown',
          retryable: false,
        });
        expect(await keys.address('nobody')).toBeUndefined();
      });

      it.each(['', '0x', '0x12', `${digestOf(1)}00`, digestOf(1).slice(2), `0x${'g'.repeat(64)}`])(
        'is not made of %o, which is no digest',
        async (digest) => {
          await keys.create('ops');
          await expect(keys.sign('ops', digest)).rejects.toThrow();
        },
      );
    });

    describe('a revoked wallet', () => {
      const revoked = { name: 'Fault', code: 'wallet_revoked', retryable: false };

      it('signs nothing any more, for whoever has the store open and after a restart', async () => {
        const other = await world.openAgain();
        await keys.create('ops');
        await keys.revoke('ops');
        await expect(keys.sign('ops', digestOf(1))).rejects.toMatchObject(revoked);
        await expect(other.sign('ops', digestOf(1))).rejects.toMatchObject(revoked);
        const later = await world.openAgain();
        await expect(later.sign('ops', digestOf(1))).rejects.toMatchObject(revoked);
      });

      it('keeps its address, and does not come back by being made again', async () => {
        const address = await keys.create('ops');
        await keys.revoke('ops');
        await keys.revoke('ops');
        expect(await keys.create('ops')).toBe(address);
        expect(await keys.address('ops')).toBe(address);
        await expect(keys.sign('ops', digestOf(1))).rejects.toMatchObject(revoked);
      });

      it('leaves nothing that leads to its key', async () => {
        await keys.create('ops');
        expect(await world.copiesLeft('ops')).toBeGreaterThan(0);
        await keys.revoke('ops');
        expect(await world.copiesLeft('ops')).toBe(0);
        await (await world.openAgain()).revoke('ops');
        expect(await world.copiesLeft('ops')).toBe(0);
      });

      it('has to have had a key', async () => {
        const unknown = { name: 'Fault', code: 'wallet_unknown', retryable: false };
        await expect(keys.revoke('nobody')).rejects.toMatchObject(unknown);
      });

      it('gives out no signature after the revocation is acknowledged', async () => {
        await keys.create('ops');
        let acknowledged = false;
        const late: string[] = [];
        const signing = Array.from({ length: 20 }, async (_, number) => {
          await keys.sign('ops', digestOf(number + 1)).then(
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
        await keys.create('ops');
        const address = await keys.create('other');
        await keys.revoke('ops');
        expect(await world.copiesLeft('other')).toBeGreaterThan(0);
        const signature = await keys.sign('other', digestOf(1));
        expect(await world.recover(digestOf(1), signature)).toBe(address);
      });
    });

    describe.each(['../escape', 'a/b', '..', '', 'A', 'a\0b', 'x'.repeat(65)])(
      'the name %o',
      (wallet) => {
        it('is refused, whatever is asked', async () => {
          const refused = { name: 'Fault', retryable: false };
          await expect(keys.create(wallet)).rejects.toMatchObject(refused);
          await expect(keys.address(wallet)).rejects.toMatchObject(refused);
          await expect(keys.sign(wallet, digestOf(1))).rejects.toMatchObject(refused);
          await expect(keys.revoke(wallet)).rejects.toMatchObject(refused);
        });
      },
    );

    it('can be closed twice, and then signs nothing', async () => {
      await keys.create('ops');
      await keys.close();
      await keys.close();
      await expect(keys.sign('ops', digestOf(1))).rejects.toMatchObject({
        name: 'Fault',
        code: 'keys_unavailable',
      });
    });
  });
}

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccountChain } from '../account.ts';
import type { BlockTag } from '../block.ts';

/** An owner whose account is not deployed yet. */
export interface OwnerUnderTest {
  readonly publicKey: string;
  /** Where its account would stand. */
  readonly account: string;
  /** Signs the handing over of an account to `newOwner`, as rotation number `rotation`. */
  sign(account: string, newOwner: string, rotation: number): Promise<string>;
}

/** Accounts of one chain for one test, and the powers to make it move. */
export interface AccountsUnderTest {
  readonly accounts: AccountChain;
  newOwner(): OwnerUnderTest;
  /** Mines a block of what was submitted. */
  mine(): Promise<void>;
  /** Replaces the last `depth` blocks with empty ones. */
  reorg(depth: number): Promise<void>;
  dispose(): Promise<void>;
}

const TAGS: readonly BlockTag[] = ['latest', 'safe', 'finalized'];

/** What the accounts of every chain owe their caller. */
export function describeAccounts(name: string, make: () => Promise<AccountsUnderTest>): void {
  describe(`accounts: ${name}`, () => {
    let world: AccountsUnderTest;
    let accounts: AccountChain;
    beforeEach(async () => {
      world = await make();
      accounts = world.accounts;
    });
    afterEach(() => world.dispose());

    async function finalize(): Promise<void> {
      for (let block = 0; block < 4; block += 1) await world.mine();
    }

    async function deployed(): Promise<OwnerUnderTest> {
      const owner = world.newOwner();
      expect(await accounts.deploy(owner.publicKey)).toMatch(/^0x[0-9a-f]{64}$/);
      await finalize();
      return owner;
    }

    async function handOver(
      account: string,
      terms: { from: OwnerUnderTest; to: OwnerUnderTest; rotation: number },
    ) {
      const { from, to, rotation } = terms;
      const newOwner = to.publicKey;
      return {
        account,
        newOwner,
        signature: await from.sign(account, newOwner, rotation),
        acceptance: await to.sign(account, newOwner, rotation),
      };
    }

    const ownerAt = async (account: string, tag: BlockTag = 'latest') =>
      (await accounts.read(account, tag)).account;

    it('are not there before they are deployed', async () => {
      for (const tag of TAGS)
        expect(await accounts.read(world.newOwner().account, tag)).toMatchObject({ account: null });
    });

    it('are there with their first owner, level by level', async () => {
      const { account, publicKey } = world.newOwner();
      await finalize();
      await accounts.deploy(publicKey);
      await world.mine();
      expect(await ownerAt(account)).toEqual({ owner: publicKey, rotations: 0 });
      expect(await ownerAt(account, 'finalized')).toBeNull();
      await finalize();
      for (const tag of TAGS)
        expect(await ownerAt(account, tag)).toEqual({ owner: publicKey, rotations: 0 });
    });

    it('stay as they are when somebody deploys them again', async () => {
      const { account, publicKey } = await deployed();
      await accounts.deploy(publicKey).catch(() => undefined);
      await finalize();
      expect(await ownerAt(account)).toEqual({ owner: publicKey, rotations: 0 });
    });

    it('go to a new owner that both keys signed for, and from that one on', async () => {
      const [first, second, third] = [await deployed(), world.newOwner(), world.newOwner()];
      const { account } = first;
      await accounts.rotate(await handOver(account, { from: first, to: second, rotation: 0 }));
      await finalize();
      expect(await ownerAt(account)).toEqual({ owner: second.publicKey, rotations: 1 });
      await accounts.rotate(await handOver(account, { from: second, to: third, rotation: 1 }));
      await finalize();
      expect(await ownerAt(account)).toEqual({ owner: third.publicKey, rotations: 2 });
    });

    it('stay with their owner whatever else is sent', async () => {
      const [owner, other, stranger] = [await deployed(), world.newOwner(), world.newOwner()];
      const { account } = owner;
      const right = { from: owner, to: other, rotation: 0 };
      const good = await handOver(account, right);
      const wrong = [
        await handOver(account, { ...right, from: stranger }),
        await handOver(account, { ...right, rotation: 1 }),
        { ...good, newOwner: stranger.publicKey },
        { ...good, acceptance: await stranger.sign(account, other.publicKey, 0) },
        { ...good, signature: await owner.sign(stranger.account, other.publicKey, 0) },
      ];
      for (const rotation of wrong) {
        await accounts.rotate(rotation).catch(() => undefined);
        await world.mine();
        expect(await ownerAt(account)).toEqual({ owner: owner.publicKey, rotations: 0 });
      }
      await accounts.rotate(good);
      await world.mine();
      expect(await ownerAt(account)).toMatchObject({ owner: other.publicKey });
    });

    it('go to a new owner once with one signature, though they came back to the old one', async () => {
      const [owner, other] = [await deployed(), world.newOwner()];
      const { account } = owner;
      const once = await handOver(account, { from: owner, to: other, rotation: 0 });
      await accounts.rotate(once);
      await world.mine();
      await accounts.rotate(await handOver(account, { from: other, to: owner, rotation: 1 }));
      await world.mine();
      await accounts.rotate(once).catch(() => undefined);
      await world.mine();
      expect(await ownerAt(account)).toEqual({ owner: owner.publicKey, rotations: 2 });
    });

    it('are again as they were when a reorganisation took back what was done', async () => {
      const [owner, other] = [await deployed(), world.newOwner()];
      const { account } = owner;
      await accounts.rotate(await handOver(account, { from: owner, to: other, rotation: 0 }));
      await world.mine();
      await world.reorg(1);
      expect(await ownerAt(account)).toEqual({ owner: owner.publicKey, rotations: 0 });
    });
  });
}

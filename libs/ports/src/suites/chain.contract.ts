import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlockTag } from '../block.ts';
import type {
  AuthorizationKey,
  AuthorizationReading,
  Chain,
  OutflowScan,
  SignedTransfer,
} from '../chain.ts';

export type SignedCancellation = AuthorizationKey & { readonly signature: string };

export type ChainCall =
  { readonly transfer: SignedTransfer } | { readonly cancel: SignedCancellation };

/** What an authorization may differ in from the one a world makes by itself. */
export type AuthorizationTerms = Partial<Omit<SignedTransfer, 'signature'>>;

/** A chain for one test, with two tokens and two payers who hold plenty of both, and the powers to make it move. */
export interface ChainUnderTest {
  readonly chain: Chain;
  /** Lower case, as are the payers. */
  readonly tokens: readonly [string, string];
  readonly payers: readonly [string, string];
  /** Signs an authorization of the first payer in the first token, valid now, of 20000 to an address without funds. */
  authorize(terms?: AuthorizationTerms): Promise<SignedTransfer>;
  /** Signs the cancellation of an authorization. */
  cancel(key: AuthorizationKey): Promise<SignedCancellation>;
  /** Mines a block of what was submitted; at a time of whole seconds, if one is given. */
  mine(timeMs?: number): Promise<void>;
  /** Mines a block with one transaction per list, each with the calls of its list, also when they fail. */
  include(transactions: readonly (readonly ChainCall[])[], timeMs?: number): Promise<void>;
  /** Mines a block in which a payer moves money by a transaction of its own, as a thief of its key would. */
  sendPlain(send: { token: string; from: string; to: string; value: bigint }): Promise<void>;
  /** Replaces the last `depth` blocks with empty ones. */
  reorg(depth: number): Promise<void>;
  /** From now on the node does not answer, answers for another chain, or has nothing at the tokens' addresses. */
  break(how: 'rpc' | 'wrong_chain' | 'no_code'): Promise<void>;
  mend(): Promise<void>;
  dispose(): Promise<void>;
}

const TAGS: readonly BlockTag[] = ['latest', 'safe', 'finalized'];

/** What every chain owes its caller. */
export function describeChain(name: string, make: () => Promise<ChainUnderTest>): void {
  describe(`chain: ${name}`, () => {
    let world: ChainUnderTest;
    let chain: Chain;
    beforeEach(async () => {
      world = await make();
      chain = world.chain;
    });
    afterEach(() => world.dispose());

    const read = (key: AuthorizationKey, tag: BlockTag = 'latest', fromBlock = 0) =>
      chain.authorization(key, tag, fromBlock);

    async function finalize(): Promise<void> {
      const { number } = await chain.head('latest');
      while ((await chain.head('finalized')).number < number) await world.mine();
    }

    describe('a head', () => {
      it('moves with each block, the finalized one behind the safe one behind the latest', async () => {
        await world.mine();
        await finalize();
        const before = await Promise.all(TAGS.map((tag) => chain.head(tag)));
        await world.mine();
        const after = await Promise.all(TAGS.map((tag) => chain.head(tag)));
        for (const [index, head] of after.entries()) {
          expect(head.number).toBe((before[index]?.number ?? 0) + 1);
          expect(head.hash).not.toBe(before[index]?.hash);
          expect(head.hash).toMatch(/^0x[0-9a-f]{64}$/);
          expect(head.timeMs).toBeGreaterThanOrEqual(before[index]?.timeMs ?? 0);
          expect(head.timeMs % 1000).toBe(0);
        }
        const numbers = after.map((head) => head.number);
        expect(numbers).toEqual(numbers.toSorted((a, b) => b - a));
      });

      it('has the same name when it is asked for twice', async () => {
        expect(await chain.head('latest')).toEqual(await chain.head('latest'));
      });

      it('is held as it becomes older, and not by a name of another height', async () => {
        const head = await chain.head('latest');
        await world.mine();
        expect(await chain.holds(head)).toBe(true);
        const next = await chain.head('latest');
        expect(await chain.holds({ ...head, hash: next.hash })).toBe(false);
        expect(await chain.holds({ ...next, number: next.number + 1 })).toBe(false);
      });
    });

    describe('an authorization', () => {
      it('is unused at the block each tag names, until it is on the chain', async () => {
        const key = await world.authorize();
        for (const tag of TAGS)
          expect(await read(key, tag)).toEqual({ at: await chain.head(tag), state: 'unused' });
      });

      it('is used with the transfer it made, level by level', async () => {
        await finalize();
        const transfer = await world.authorize();
        expect(await chain.submitTransfer(transfer)).toMatch(/^0x[0-9a-f]{64}$/);
        await world.mine();
        const head = await chain.head('latest');
        const seen = await used(read(transfer));
        expect(seen.at).toEqual(head);
        expect(seen.transfer).toMatchObject({
          from: transfer.from,
          to: transfer.to,
          value: transfer.value,
          block: head,
        });
        expect((await read(transfer, 'finalized')).state).toBe('unused');
        await finalize();
        for (const tag of TAGS)
          expect(await read(transfer, tag)).toEqual({ ...seen, at: await chain.head(tag) });
      });

      it('moves the money once, however often it is sent', async () => {
        const [token] = world.tokens;
        const transfer = await world.authorize();
        const before = await chain.balance(token, transfer.from);
        await world.include([[{ transfer }], [{ transfer }]]);
        await world.include([[{ transfer }]]);
        expect(await chain.balance(token, transfer.to)).toBe(transfer.value);
        expect(await chain.balance(token, transfer.from)).toBe(before - transfer.value);
      });

      it('is one of its token, its payer and its nonce together', async () => {
        const transfer = await world.authorize();
        const { nonce } = transfer;
        await world.include([[{ transfer }]]);
        const otherPayer = await world.authorize({ nonce, from: world.payers[1] });
        const otherToken = await world.authorize({ nonce, token: world.tokens[1] });
        expect((await read(otherPayer)).state).toBe('unused');
        expect((await read(otherToken)).state).toBe('unused');
        await world.include([[{ transfer: otherPayer }], [{ transfer: otherToken }]]);
        expect((await used(read(otherPayer))).transfer?.from).toBe(world.payers[1]);
        expect((await read(otherToken)).state).toBe('used');
      });

      it.each(['from', 'token', 'nonce'] as const)(
        'is found under its %s in capitals too',
        async (field) => {
          const transfer = await world.authorize();
          await world.include([[{ transfer }]]);
          const key = { ...transfer, [field]: `0x${transfer[field].slice(2).toUpperCase()}` };
          const { transfer: found } = await used(read(key));
          expect(found).toMatchObject({ from: transfer.from, to: transfer.to });
        },
      );

      it('keeps its own transfer among several in one block', async () => {
        const transfers = [];
        for (const value of [1n, 2n, 3n]) transfers.push(await world.authorize({ value }));
        await world.include(transfers.map((transfer) => [{ transfer }]));
        const seen = [];
        for (const transfer of transfers) seen.push((await used(read(transfer))).transfer);
        expect(seen.map((it) => it?.value)).toEqual([1n, 2n, 3n]);
        expect(new Set(seen.map((it) => it?.transactionHash)).size).toBe(3);
        expect(new Set(seen.map((it) => it?.logIndex)).size).toBe(3);
      });

      it('keeps its own transfer among several in one transaction', async () => {
        const [one, two] = world.payers;
        const transfers = [
          await world.authorize({ value: 1n, from: one }),
          await world.authorize({ value: 2n, from: two }),
          await world.authorize({ value: 3n, from: one, token: world.tokens[1] }),
          await world.authorize({ value: 4n, from: one }),
        ];
        await world.include([transfers.map((transfer) => ({ transfer }))]);
        const seen = [];
        for (const transfer of transfers) seen.push((await used(read(transfer))).transfer);
        expect(seen.map((it) => it?.value)).toEqual([1n, 2n, 3n, 4n]);
        expect(seen.map((it) => it?.from)).toEqual([one, two, one, one]);
        expect(new Set(seen.map((it) => it?.transactionHash)).size).toBe(1);
        const indexes = seen.map((it) => it?.logIndex ?? -1);
        expect(indexes).toEqual(indexes.toSorted((a, b) => a - b));
      });

      it('is told from a cancellation in the same transaction', async () => {
        const [paid, dropped] = [await world.authorize(), await world.authorize()];
        const cancel = await world.cancel(dropped);
        await world.include([[{ cancel }, { transfer: paid }]]);
        expect((await read(dropped)).state).toBe('canceled');
        expect((await used(read(paid))).transfer?.value).toBe(paid.value);
      });

      it('leaves nothing when another call of its transaction fails', async () => {
        const good = await world.authorize();
        const poor = await world.authorize({ value: 10n ** 30n });
        await world.include([[{ transfer: good }, { transfer: poor }]]);
        expect((await read(good)).state).toBe('unused');
        expect(await chain.balance(good.token, good.to)).toBe(0n);
      });

      it('is unknown, not unused, when its log lies before the blocks that are searched', async () => {
        const transfer = await world.authorize();
        await world.include([[{ transfer }]]);
        const { number } = await chain.head('latest');
        await world.mine();
        expect((await read(transfer, 'latest', number)).state).toBe('used');
        await expect(read(transfer, 'latest', number + 1)).rejects.toMatchObject(
          fault('log_missing'),
        );
        await expect(read(transfer, 'latest', number + 9)).rejects.toMatchObject(
          fault('log_missing'),
        );
      });
    });

    describe('the time of an authorization', () => {
      const second = 1000;
      const inTwentySeconds = async () => (await chain.head('latest')).timeMs + 20 * second;

      it('begins after validAfter, not at it', async () => {
        const timeMs = await inTwentySeconds();
        const transfer = await world.authorize({ validAfter: timeMs / second });
        await world.include([[{ transfer }]], timeMs);
        expect(await read(transfer)).toMatchObject({ state: 'unused', at: { timeMs } });
        await world.include([[{ transfer }]], timeMs + second);
        expect((await read(transfer)).state).toBe('used');
      });

      it('ends before validBefore, and then nothing can be paid', async () => {
        const timeMs = await inTwentySeconds();
        const late = await world.authorize({ validBefore: timeMs / second });
        const inTime = await world.authorize({ validBefore: timeMs / second + 1 });
        await world.include([[{ transfer: late }], [{ transfer: inTime }]], timeMs);
        expect(await read(late)).toMatchObject({ state: 'unused', at: { timeMs } });
        expect((await read(inTime)).state).toBe('used');
      });
    });

    describe('a cancellation', () => {
      it('ends an authorization that then cannot be used', async () => {
        const transfer = await world.authorize();
        await chain.submitCancellation(await world.cancel(transfer));
        await world.mine();
        const block = await chain.head('latest');
        const reading = await read(transfer);
        expect(reading).toMatchObject({ state: 'canceled', at: block, canceled: { block } });
        await world.include([[{ transfer }]]);
        expect(await chain.balance(transfer.token, transfer.to)).toBe(0n);
        expect({ ...(await read(transfer)), at: block }).toEqual(reading);
      });

      it('does nothing to an authorization that was used', async () => {
        const transfer = await world.authorize();
        await world.include([[{ transfer }], [{ cancel: await world.cancel(transfer) }]]);
        expect((await read(transfer)).state).toBe('used');
      });

      it('signed by another payer does nothing', async () => {
        const transfer = await world.authorize();
        const foreign = await world.cancel({ ...transfer, from: world.payers[1] });
        await world.include([[{ cancel: { ...foreign, from: transfer.from } }]]);
        expect((await read(transfer)).state).toBe('unused');
      });
    });

    describe('a submission', () => {
      it.each<[string, (transfer: SignedTransfer) => SignedTransfer]>([
        ['more money than was signed', (it) => ({ ...it, value: it.value + 1n })],
        ['another payee than was signed', (it) => ({ ...it, to: it.token })],
        ['another payer', (it) => ({ ...it, from: world.payers[1] })],
        ['a signature with one other digit', (it) => ({ ...it, signature: flip(it.signature) })],
        ['a signature that is none', (it) => ({ ...it, signature: '0x1234' })],
      ])('with %s pays nobody', async (_what, change) => {
        const transfer = await world.authorize();
        const changed = change(transfer);
        // A node may see at once that it fails, or take it and let it fail: the hash proves nothing.
        await chain.submitTransfer(changed).catch(expectFault);
        await world.mine();
        expect((await read(transfer)).state).toBe('unused');
        expect(await chain.balance(transfer.token, changed.to)).toBe(0n);
      });

      it('of more than the payer holds pays nobody', async () => {
        const transfer = await world.authorize({ value: 10n ** 30n });
        await chain.submitTransfer(transfer).catch(expectFault);
        await world.mine();
        expect((await read(transfer)).state).toBe('unused');
      });

      it('may be one of many at the same time', async () => {
        const transfers = [];
        for (let count = 0; count < 12; count += 1) transfers.push(await world.authorize());
        await Promise.all(transfers.map((transfer) => chain.submitTransfer(transfer)));
        await world.mine();
        for (const transfer of transfers) expect((await read(transfer)).state).toBe('used');
      });
    });

    describe('the outflows of a wallet', () => {
      const scan = async (fromBlock: number, change: Partial<OutflowScan> = {}) =>
        chain.outflows({
          tokens: world.tokens,
          wallets: world.payers,
          fromBlock,
          tag: 'latest',
          ...change,
        });
      const next = async () => (await chain.head('latest')).number + 1;

      it('are none where nothing left it', async () => {
        const from = await next();
        await world.mine();
        expect(await scan(from)).toEqual({ at: await chain.head('latest'), outflows: [] });
        expect((await scan(0, { wallets: [] })).outflows).toEqual([]);
        expect((await scan(0, { tokens: [] })).outflows).toEqual([]);
      });

      it('are told with their nonce, and stand where the reading of the authorization says', async () => {
        const from = await next();
        const transfer = await world.authorize();
        await world.include([[{ transfer }]]);
        const { transfer: seen } = await used(read(transfer));
        const { token, nonce, to, value } = transfer;
        const { transactionHash, logIndex, block } = seen!;
        const where = { blockNumber: block.number, blockHash: block.hash };
        const moved = { to, value };
        expect((await scan(from)).outflows).toEqual([
          { token, from: transfer.from, nonce, moved, transactionHash, logIndex, ...where },
        ]);
      });

      it('include what the wallet sent by a transaction of its own, which has no nonce', async () => {
        const from = await next();
        const [token] = world.tokens;
        const [, payer] = world.payers;
        const { to } = await world.authorize();
        await world.sendPlain({ token, from: payer, to, value: 7n });
        expect((await scan(from)).outflows).toMatchObject([
          { token, from: payer, nonce: null, moved: { to, value: 7n } },
        ]);
      });

      it('include a transfer of nothing, as what it is', async () => {
        const from = await next();
        const [token] = world.tokens;
        const [payer] = world.payers;
        const { to } = await world.authorize();
        await world.sendPlain({ token, from: payer, to, value: 0n });
        expect((await scan(from)).outflows).toMatchObject([
          { token, from: payer, nonce: null, moved: { to, value: 0n } },
        ]);
      });

      it('keep their own nonces among several in one transaction', async () => {
        const from = await next();
        const [one, two] = world.payers;
        const transfers = [
          await world.authorize({ value: 1n, from: one }),
          await world.authorize({ value: 2n, from: two }),
          await world.authorize({ value: 3n, from: one, token: world.tokens[1] }),
          await world.authorize({ value: 4n, from: one }),
        ];
        await world.include([transfers.map((transfer) => ({ transfer }))]);
        const { outflows } = await scan(from);
        const told = outflows.map((it) => [it.from, it.nonce, it.moved?.value]);
        expect(told).toEqual(transfers.map((it) => [it.from, it.nonce, it.value]));
      });

      it('are those of the wallets, tokens and blocks that were asked for', async () => {
        const from = await next();
        const [one, two] = world.payers;
        await world.include([[{ transfer: await world.authorize({ value: 1n, from: one }) }]]);
        await world.include([[{ transfer: await world.authorize({ value: 2n, from: two }) }]]);
        const [, token] = world.tokens;
        await world.include([
          [{ transfer: await world.authorize({ value: 3n, from: one, token }) }],
        ]);
        const values = async (...asked: Parameters<typeof scan>) =>
          (await scan(...asked)).outflows.map((it) => it.moved?.value);
        expect(await values(from)).toEqual([1n, 2n, 3n]);
        expect(await values(from + 1)).toEqual([2n, 3n]);
        expect(await values(from, { wallets: [one] })).toEqual([1n, 3n]);
        expect(await values(from, { tokens: [token] })).toEqual([3n]);
        expect(await values(from + 9)).toEqual([]);
        const capitals = [two].map((it) => `0x${it.slice(2).toUpperCase()}`);
        expect(await values(from, { wallets: capitals })).toEqual([2n]);
      });

      it('are told up to the block of the tag', async () => {
        await finalize();
        const from = await next();
        await world.include([[{ transfer: await world.authorize() }]]);
        expect((await scan(from, { tag: 'finalized' })).outflows).toEqual([]);
        await finalize();
        const final = await scan(from, { tag: 'finalized' });
        expect(final.outflows).toHaveLength(1);
        expect(final.at).toEqual(await chain.head('finalized'));
      });

      it('are told no further than a block, and no further than the tag', async () => {
        const from = await next();
        for (const value of [1n, 2n, 3n])
          await world.include([[{ transfer: await world.authorize({ value }) }]]);
        const to = (toBlock: number) => scan(from, { toBlock });
        const some = await to(from + 1);
        expect(some.outflows.map((it) => it.moved?.value)).toEqual([1n, 2n]);
        expect(some.at.number).toBe(from + 1);
        expect(await chain.holds(some.at)).toBe(true);
        const all = await to(from + 9);
        expect(all.outflows.map((it) => it.moved?.value)).toEqual([1n, 2n, 3n]);
        expect(all.at).toEqual(await chain.head('latest'));
      });

      it('do not include a cancellation, nor what a reorganisation took back', async () => {
        await finalize();
        const from = await next();
        const cancel = await world.cancel(await world.authorize());
        await world.include([[{ cancel }]]);
        expect((await scan(from)).outflows).toEqual([]);
        await world.include([[{ transfer: await world.authorize() }]]);
        await world.reorg(1);
        expect((await scan(from)).outflows).toEqual([]);
      });
    });

    describe('a reorganisation', () => {
      it('makes an authorization unused again, and the same one settles again', async () => {
        await finalize();
        const transfer = await world.authorize();
        await world.include([[{ transfer }]]);
        const before = await used(read(transfer));
        await world.reorg(1);
        const reading = await read(transfer);
        expect(reading).toEqual({ state: 'unused', at: await chain.head('latest') });
        expect(reading.at.hash).not.toBe(before.at.hash);
        expect(await chain.holds(before.at)).toBe(false);
        expect(await chain.holds(reading.at)).toBe(true);
        expect(await chain.balance(transfer.token, transfer.to)).toBe(0n);

        await chain.submitTransfer(transfer);
        await world.mine();
        const after = await used(read(transfer));
        expect(after.transfer?.block.hash).not.toBe(before.transfer?.block.hash);
        expect(await chain.balance(transfer.token, transfer.to)).toBe(transfer.value);
      });

      it('takes a cancellation back', async () => {
        await finalize();
        const transfer = await world.authorize();
        await world.include([[{ cancel: await world.cancel(transfer) }]]);
        await world.reorg(1);
        expect((await read(transfer)).state).toBe('unused');
        await world.include([[{ transfer }]]);
        expect((await read(transfer)).state).toBe('used');
      });
    });

    describe.each([
      { how: 'rpc', code: 'chain_unavailable', heads: false },
      { how: 'wrong_chain', code: 'wrong_chain', heads: false },
      { how: 'no_code', code: 'no_code', heads: true },
    ] as const)('while the failure is $how', ({ how, code, heads }) => {
      it('everything about authorizations and money is a fault, and later it is known', async () => {
        const transfer = await world.authorize();
        const cancel = await world.cancel(transfer);
        await world.include([[{ transfer }]]);
        const head = await chain.head('latest');
        await world.break(how);
        const unknown = fault(code);
        if (heads) expect(await chain.holds(head)).toBe(true);
        else await expect(chain.holds(head)).rejects.toMatchObject(unknown);
        for (const tag of TAGS) {
          await expect(read(transfer, tag)).rejects.toMatchObject(unknown);
          if (heads) expect((await chain.head(tag)).number).toBeGreaterThanOrEqual(0);
          else await expect(chain.head(tag)).rejects.toMatchObject(unknown);
        }
        await expect(chain.balance(transfer.token, transfer.to)).rejects.toMatchObject(unknown);
        const { tokens, payers: wallets } = world;
        const scan = { tokens, wallets, fromBlock: 0, tag: 'latest' } as const;
        await expect(chain.outflows(scan)).rejects.toMatchObject(unknown);
        await expect(chain.submitTransfer(transfer)).rejects.toMatchObject(unknown);
        await expect(chain.submitCancellation(cancel)).rejects.toMatchObject(unknown);
        await world.mend();
        expect((await read(transfer)).state).toBe('used');
      });
    });
  });
}

async function used(
  reading: Promise<AuthorizationReading>,
): Promise<Extract<AuthorizationReading, { state: 'used' }>> {
  const found = await reading;
  if (found.state !== 'used') throw new Error(`the authorization is ${found.state}`);
  return found;
}

function fault(code: string) {
  return { name: 'Fault', code, retryable: true };
}

function expectFault(error: unknown): void {
  expect(error).toMatchObject({ name: 'Fault' });
}

/** Another digit in the middle of a signature's r. */
function flip(signature: string): string {
  const digit = signature[20] ?? '';
  return signature.slice(0, 20) + (digit === 'a' ? 'b' : 'a') + signature.slice(21);
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evmChain } from './evm-chain.ts';
import { type RpcRelay, type WireCall, startRelay } from './testing/rpc-relay.ts';

const word = (number: number) => `0x${number.toString(16).padStart(64, '0')}`;
const TOKEN = `0x${'1'.repeat(40)}`;
const PAYER = `0x${'a'.repeat(40)}`;
const HEAD = { number: '0x20', hash: word(0x20), timestamp: '0x6ab00000' };
const MANY = 40;
/** Half of the nonces cannot be read at all, so that each answer says whose it is. */
const isReadable = (nonce: number) => nonce % 2 === 0;

let relay: RpcRelay;
const batches: (readonly WireCall[])[] = [];
beforeAll(async () => {
  relay = await startRelay();
  relay.behave((calls) => {
    batches.push(calls);
    return calls.map(({ id, method, params }) => {
      if (method === 'eth_chainId') return { id, result: '0x14a34' };
      if (method === 'eth_getBlockByNumber') return { id, result: HEAD };
      if (method === 'eth_getCode') return { id, result: '0x6001' };
      const [call] = params as [{ readonly data: string }];
      const nonce = Number.parseInt(call.data.slice(-8), 16);
      if (isReadable(nonce)) return { id, result: word(0) };
      return { id, error: { code: 3, message: `no answer about ${nonce}` } };
    });
  });
});
afterAll(() => relay.stop());

describe('many readings at once', () => {
  it('share round trips of at most ten calls, and each has its own answer', async () => {
    const chain = evmChain({ network: 'eip155:84532', rpcUrl: relay.url });
    const readings = await Promise.allSettled(
      Array.from({ length: MANY }, (_, nonce) =>
        chain.authorization({ token: TOKEN, from: PAYER, nonce: word(nonce) }, 'latest', 0),
      ),
    );
    for (const [nonce, reading] of readings.entries())
      if (isReadable(nonce)) expect(reading).toMatchObject({ value: { state: 'unused' } });
      else
        expect(reading).toMatchObject({
          reason: { code: 'chain_unavailable', message: `eth_call: no answer about ${nonce} (3)` },
        });
    // One for the newest block, and seven states beside chain, code and block in each of the others.
    expect(batches).toHaveLength(1 + Math.ceil(MANY / 7));
    for (const batch of batches) {
      expect(batch.length).toBeLessThanOrEqual(10);
      expect(batch[0]?.method).toBe('eth_chainId');
    }
  });

  it('wait no longer than each of them wants to', async () => {
    relay.behave(() => undefined);
    const chainOf = (timeoutMs: number) =>
      evmChain({ network: 'eip155:84532', rpcUrl: relay.url, timeoutMs });
    const key = { token: TOKEN, from: PAYER, nonce: word(0) };
    const reading = chainOf(20).authorization(key, 'latest', 0);
    await expect(reading).rejects.toMatchObject({
      code: 'chain_unavailable',
      message: 'the node did not answer in time',
    });
  });
});

import type { BlockTag } from '@countersign/ports';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { evmChain } from './evm-chain.ts';
import { type RpcRelay, type WireCall, startRelay } from './testing/rpc-relay.ts';
import { TOPIC, wordOf } from './token.ts';

const word = (number: number | bigint) => `0x${number.toString(16).padStart(64, '0')}`;
const address = (digit: string) => `0x${digit.repeat(40)}`;
const TOKEN = address('1');
const OTHER_TOKEN = address('2');
const PAYER = address('a');
const PAYEE = address('e');
const NONCE = `0x${'c'.repeat(64)}`;
const KEY = { token: TOKEN, from: PAYER, nonce: NONCE };
const HEAD = { number: '0x20', hash: word(0x20), timestamp: '0x6ab00000', baseFeePerGas: '0x7' };
const BLOCK = { number: '0x1f', hash: word(0x1f), timestamp: '0x6aaffffe' };
const TRANSACTION = word(0x77);

const log = (logIndex: number, topics: readonly string[], changes: object = {}) => ({
  address: TOKEN,
  topics,
  data: '0x',
  blockNumber: BLOCK.number,
  blockHash: BLOCK.hash,
  transactionHash: TRANSACTION,
  logIndex: `0x${logIndex.toString(16)}`,
  removed: false,
  ...changes,
});
const used = (logIndex: number, nonce = NONCE) => log(logIndex, [TOPIC.used, wordOf(PAYER), nonce]);
const canceled = (logIndex: number, nonce = NONCE) =>
  log(logIndex, [TOPIC.canceled, wordOf(PAYER), nonce]);
const transfer = (logIndex: number, value: number, changes: object = {}) =>
  log(logIndex, [TOPIC.transfer, wordOf(PAYER), wordOf(PAYEE)], { data: word(value), ...changes });

const receipt = (...logs: readonly object[]) => ({ blockHash: BLOCK.hash, logs });

/** What an honest node says of a transfer of 5 that is one block deep. */
const HONEST: Readonly<Record<string, (params: readonly unknown[]) => unknown>> = {
  eth_chainId: () => '0x14a34',
  eth_getBlockByNumber: ([block]) => (block === BLOCK.number ? BLOCK : HEAD),
  eth_getCode: () => '0x6001',
  eth_call: () => word(1),
  eth_getLogs: () => [used(4)],
  eth_getTransactionReceipt: () => receipt(used(4), transfer(5, 5)),
};

let relay: RpcRelay;
beforeAll(async () => {
  relay = await startRelay();
});
afterEach(() => relay.behave(undefined));
afterAll(() => relay.stop());

type Answers = typeof HONEST;
const answersTo = (calls: readonly WireCall[], changes: Answers) =>
  calls.map(({ id, method, params }) => {
    const answer = changes[method] ?? HONEST[method];
    return { jsonrpc: '2.0', id, result: answer?.(params) };
  });
const says = (changes: Answers) => relay.behave((calls) => answersTo(calls, changes));

const chain = (timeoutMs = 5000, rpcUrl = relay.url) =>
  evmChain({ network: 'eip155:84532', rpcUrl, timeoutMs });
const read = (tag: BlockTag = 'latest') => chain().authorization(KEY, tag, 0);
const unknown = (code: string) => ({ name: 'Fault', code, retryable: true });

/** The n-th answer to a method differs from the honest one. */
function later(method: string, place: number, answer: unknown): Answers {
  let asked = 0;
  return {
    [method]: (params) => {
      asked += 1;
      return asked === place ? answer : HONEST[method]?.(params);
    },
  };
}

describe('an honest node', () => {
  const found = { from: PAYER, to: PAYEE, value: 5n, transactionHash: TRANSACTION, logIndex: 5 };

  it('is believed', async () => {
    says({});
    expect(await read()).toEqual({
      at: { number: 0x20, hash: HEAD.hash, timeMs: 0x6ab00000 * 1000 },
      state: 'used',
      transfer: {
        ...found,
        block: { number: 0x1f, hash: BLOCK.hash, timeMs: 0x6aaffffe * 1000 },
      },
    });
  });

  it('may answer a batch in any order', async () => {
    relay.behave((calls) => answersTo(calls, {}).reverse());
    expect(await read()).toMatchObject({ state: 'used', transfer: found });
  });

  it('is asked for the chain id with everything else', async () => {
    const batches: string[][] = [];
    relay.behave((calls) => {
      batches.push(calls.map((call) => call.method));
      return answersTo(calls, {});
    });
    await read();
    await chain().head('safe');
    await chain().balance(TOKEN, PAYER);
    expect(batches.length).toBeGreaterThan(4);
    for (const batch of batches) expect(batch[0]).toBe('eth_chainId');
  });

  it('is asked for the state at the very block the reading is of', async () => {
    const places: unknown[] = [];
    says({
      eth_call: (params) => {
        places.push(params[1]);
        return word(0);
      },
      eth_getCode: (params) => {
        places.push(params[1]);
        return '0x6001';
      },
    });
    expect((await read()).state).toBe('unused');
    const place = { blockHash: HEAD.hash, requireCanonical: true };
    expect(places).toEqual([place, place]);
  });
});

describe('a node that answers with garbage', () => {
  const values: readonly unknown[] = [
    ...[null, true, 0, 1, -1, 1e300, '', '0x', '0xzz', '0x0', '0x1', '1', 'error', [], [null], {}],
    ...[word(2), `${word(1)}00`, '0x6ab0000000000000000', { number: '0x20' }, [{ topics: [] }]],
    { ...HEAD, hash: '0x20' },
    { ...HEAD, number: 32 },
    { ...HEAD, timestamp: null },
  ];
  const methods = Object.keys(HONEST).filter((method) => method !== 'eth_getCode');

  it.each(methods)('to %s is not believed', async (method) => {
    const honest = JSON.stringify(await (says({}), read()), inText);
    for (const value of values) {
      for (const place of [1, 2, 3, 4]) {
        says(later(method, place, value));
        const outcome = await read().then(
          (reading) => JSON.stringify(reading, inText),
          (error: { name: string; code: string }) => error.name,
        );
        // Either the garbage stood where nobody looks, or nothing is known; but never another state.
        expect([honest, 'Fault'], `${method} ${place} ${JSON.stringify(value)}`).toContain(outcome);
      }
    }
  });

  it('to the code of the token has no contract, or nothing is known', async () => {
    says({ eth_getCode: () => '0x' });
    await expect(read()).rejects.toMatchObject(unknown('no_code'));
    await expect(chain().balance(TOKEN, PAYER)).rejects.toMatchObject(unknown('no_code'));
    says({ eth_getCode: () => null });
    await expect(read()).rejects.toMatchObject(unknown('chain_unavailable'));
  });

  it.each(['', 'null', '0', 'not json', '{}', '[]', '[null]', '[[]]', '[{"id":1}]', '<html>'])(
    'instead of a batch, %o, is not believed',
    async (text) => {
      relay.behave(() => text);
      await expect(read()).rejects.toMatchObject(unknown('chain_unavailable'));
      await expect(chain().head('latest')).rejects.toMatchObject(unknown('chain_unavailable'));
    },
  );

  it('is not believed when it leaves one answer out, or gives one twice', async () => {
    for (const left of [0, 1, 2, 3]) {
      relay.behave((calls) => answersTo(calls, {}).filter((_, index) => index !== left));
      await expect(read()).rejects.toMatchObject(unknown('chain_unavailable'));
    }
    relay.behave((calls) => answersTo(calls, {}).flatMap((answer) => [answer, answer]));
    await expect(read()).rejects.toMatchObject(unknown('chain_unavailable'));
    relay.behave((calls) => answersTo(calls, {}).map((it) => ({ ...it, id: String(it.id) })));
    await expect(read()).rejects.toMatchObject(unknown('chain_unavailable'));
  });

  it('is not believed when it refuses a call', async () => {
    for (const refused of Object.keys(HONEST)) {
      relay.behave((calls) =>
        answersTo(calls, {}).map((answer, index) =>
          calls[index]?.method === refused
            ? { id: answer.id, result: answer.result, error: { code: -32001, message: 'no' } }
            : answer,
        ),
      );
      await expect(read()).rejects.toMatchObject(unknown('chain_unavailable'));
    }
  });
});

function inText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

describe('a node that does not answer', () => {
  it.each([301, 307, 400, 401, 404, 429, 500, 503])('but with status %i', async (status) => {
    relay.behave(() => status);
    await expect(read()).rejects.toMatchObject(unknown('chain_unavailable'));
  });

  it('is given up after the time it has', async () => {
    relay.behave(() => undefined);
    await expect(chain(50).head('latest')).rejects.toMatchObject(unknown('chain_unavailable'));
    await expect(chain(50).authorization(KEY, 'latest', 0)).rejects.toThrow('in time');
  });

  it('has one time for a whole reading', async () => {
    let batches = 0;
    relay.behave((calls) => {
      batches += 1;
      return batches < 3 ? answersTo(calls, {}) : undefined;
    });
    await expect(chain(300).authorization(KEY, 'latest', 0)).rejects.toThrow('in time');
    expect(batches).toBe(3);
  });

  it('cannot fill the memory', async () => {
    relay.behave(() => `"${'x'.repeat(17 * 1024 * 1024)}"`);
    await expect(read()).rejects.toThrow('too large');
  });

  it('is not there at all', async () => {
    const nobody = chain(5000, 'http://user:hunter2@127.0.0.1:1/v2/apikey');
    const error = await nobody.head('latest').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(unknown('chain_unavailable'));
    expect(String((error as Error).stack)).not.toMatch(/hunter2|apikey/);
  });

  it('gets the credential of its URL as a header', async () => {
    says({});
    const url = relay.url.replace('//', '//user:p%40ss@');
    expect((await chain(5000, url).head('latest')).number).toBe(0x20);
  });
});

describe('a node of another chain', () => {
  it.each([1, 2, 3, 4])('that comes in at round trip %i is noticed', async (place) => {
    says(later('eth_chainId', place, '0x2105'));
    await expect(read()).rejects.toMatchObject(unknown('wrong_chain'));
  });

  it('is noticed first, whatever else it says', async () => {
    relay.behave((calls) =>
      calls.map(({ id }, index) =>
        index === 0 ? { id, result: '0x1' } : { id, error: { code: -32000, message: 'no' } },
      ),
    );
    await expect(chain().head('latest')).rejects.toMatchObject(unknown('wrong_chain'));
  });
});

describe('a reorganisation while the chain is read', () => {
  const gone = unknown('block_vanished');
  const moved = { ...HEAD, hash: word(0x99) };

  it('between the head and the state', async () => {
    says({ ...later('eth_getBlockByNumber', 2, moved), eth_call: () => word(0) });
    await expect(read()).rejects.toMatchObject(gone);
  });

  it('between the state and the logs', async () => {
    says(later('eth_getBlockByNumber', 4, moved));
    await expect(read()).rejects.toMatchObject(gone);
  });

  it('that moved the transaction to another block', async () => {
    says(later('eth_getBlockByNumber', 3, { ...BLOCK, hash: word(0x99) }));
    await expect(read()).rejects.toMatchObject(gone);
    says({ eth_getTransactionReceipt: () => ({ ...receipt(), blockHash: word(0x99) }) });
    await expect(read()).rejects.toMatchObject(gone);
  });

  it('that took the transaction or a block away', async () => {
    says({ eth_getTransactionReceipt: () => null });
    await expect(read()).rejects.toMatchObject(gone);
    for (const place of [1, 2, 3, 4]) {
      says(later('eth_getBlockByNumber', place, null));
      await expect(read()).rejects.toMatchObject(gone);
    }
  });

  it('that took the log away', async () => {
    says({ eth_getLogs: () => [] });
    await expect(read()).rejects.toMatchObject(unknown('log_missing'));
    says({ eth_getLogs: () => [{ ...used(4), removed: true }] });
    await expect(read()).rejects.toMatchObject(unknown('chain_unavailable'));
  });
});

describe('the log of an authorization', () => {
  it.each([
    ['another nonce', used(4, word(9))],
    ['another payer', log(4, [TOPIC.used, wordOf(PAYEE), NONCE])],
    ['another token', { ...used(4), address: OTHER_TOKEN }],
    ['another event', log(4, [TOPIC.transfer, wordOf(PAYER), NONCE])],
    ['a block after the reading', { ...used(4), blockNumber: '0x21' }],
  ])('is not one of %s', async (_what, found) => {
    says({ eth_getLogs: () => [found] });
    await expect(read()).rejects.toMatchObject(unknown('chain_unavailable'));
  });

  it('is not two logs', async () => {
    says({ eth_getLogs: () => [used(4), canceled(6)] });
    await expect(read()).rejects.toMatchObject(unknown('chain_unavailable'));
  });

  it('may be a cancellation', async () => {
    says({
      eth_getLogs: () => [canceled(4)],
      eth_getTransactionReceipt: () => receipt(canceled(4), transfer(5, 5)),
    });
    const reading = await read();
    expect(reading).toMatchObject({ state: 'canceled', canceled: { logIndex: 4 } });
    expect(reading).not.toHaveProperty('transfer');
  });

  it('stands in the receipt of its transaction', async () => {
    says({ eth_getTransactionReceipt: () => receipt(used(3), transfer(5, 5)) });
    await expect(read()).rejects.toMatchObject(unknown('chain_unavailable'));
  });
});

describe('the transfer of an authorization', () => {
  const of = async (...logs: readonly object[]) => {
    says({ eth_getTransactionReceipt: () => receipt(...logs) });
    const reading = await read();
    return reading.state === 'used' ? reading.transfer?.value : reading.state;
  };
  const elsewhere = { address: OTHER_TOKEN };
  const approval = log(5, [word(0x8c5be1), wordOf(PAYER), wordOf(PAYEE)], { data: word(1) });

  it('is the next one of its token', async () => {
    expect(await of(transfer(3, 1), used(4), transfer(5, 5), transfer(6, 7))).toBe(5n);
  });

  it('is not one of another token between them', async () => {
    expect(await of(used(4), transfer(5, 1, elsewhere), transfer(6, 5))).toBe(5n);
    expect(await of(used(4), transfer(5, 1, elsewhere))).toBeUndefined();
  });

  it('is found in logs that are out of order', async () => {
    expect(await of(transfer(10, 7), transfer(3, 1), transfer(5, 5), used(4))).toBe(5n);
  });

  it('is not that of the next authorization in the transaction', async () => {
    expect(await of(used(4), used(5, word(9)), transfer(6, 7))).toBeUndefined();
    expect(await of(used(4), canceled(5, word(9)), transfer(6, 7))).toBeUndefined();
  });

  it('may have other events of the token before it', async () => {
    expect(await of(used(4), approval, transfer(6, 5))).toBe(5n);
  });

  it('is none when there is none, or only before the use', async () => {
    expect(await of(used(4))).toBeUndefined();
    expect(await of(transfer(3, 5), used(4))).toBeUndefined();
  });

  it('is none when it is that of a thing and not of an amount', async () => {
    const thing = log(5, [TOPIC.transfer, wordOf(PAYER), wordOf(PAYEE), word(1)]);
    expect(await of(used(4), thing)).toBeUndefined();
  });
});

import { expect, it } from 'vitest';
import type { Node } from './node.ts';
import { readOutflows } from './outflows.ts';

const address = (digit: string) => `0x${digit.repeat(40)}`;
const HEAD = { number: '0x7530', hash: `0x${'c'.repeat(64)}`, timestamp: '0x6ab00000' };

it('a scan for outflows gives each round trip its own time, however many blocks it has to go through', async () => {
  const given: AbortSignal[] = [];
  const node: Node = {
    chainId: 84_532,
    ask: async (calls, signal) => {
      given.push(signal);
      const answers = { eth_getLogs: [], eth_getCode: '0x01', eth_getBlockByNumber: HEAD };
      return calls.map(({ method }) => answers[method as keyof typeof answers]) as never;
    },
  };
  await readOutflows(node, {
    ...{ tokens: [address('1')], wallets: [address('a')], fromBlock: 1, tag: 'latest' },
    logRangeBlocks: 2_000,
    deadline: () => new AbortController().signal,
  });
  expect(given.length).toBeGreaterThan(15);
  expect(new Set(given).size).toBe(given.length);
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SignedTransfer } from '@countersign/ports';
import { type ChainCall, type ChainUnderTest, describeChain } from '@countersign/ports/suites';
import { type Hex, encodeFunctionData, parseAbi } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evmChain } from './evm-chain.ts';
import { type Anvil, startAnvil } from './testing/anvil.ts';
import { type RpcRelay, startRelay } from './testing/rpc-relay.ts';
import { encodeCancellation, encodeTransfer, wordOf } from './token.ts';
import { cancellationDigest, transferDigest } from './typed-data.ts';

const contract = (name: string) => {
  const file = new URL(`../../../../apps/sandbox/src/contracts/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).deployedBytecode as Hex;
};
const TOKENS = [
  '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
  '0x00000000000000000000000000000000000070c2',
] as const;
const MULTICALL = '0xca11bde05977b3631167028862be2a173976ca11';
/** Accounts every anvil starts with; the second one's transactions it signs by itself. */
const GAS_KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';
const SENDER = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8';
const payers = [
  privateKeyToAccount(`0x${'1'.repeat(64)}`),
  privateKeyToAccount(`0x${'2'.repeat(64)}`),
];
const PAYERS = payers.map((it) => it.address.toLowerCase()) as [string, string];
const ABI = parseAbi([
  'function transfer(address to, uint256 amount) returns (bool)',
  'function mint(address to, uint256 amount) returns (bool)',
  'function aggregate3((address target, bool allowFailure, bytes callData)[] calls) payable',
]);

let anvil: Anvil;
let relay: RpcRelay;
let home: string;
let made = 0;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'evm-'));
  writeFileSync(join(home, 'gas.key'), `${GAS_KEY}\n`);
  anvil = await startAnvil();
  relay = await startRelay(anvil.rpcUrl);
  await plant();
  for (const token of TOKENS)
    for (const payer of PAYERS) {
      const args = [payer as Hex, 10n ** 12n] as const;
      await send(token, encodeFunctionData({ abi: ABI, functionName: 'mint', args }));
    }
  await mine();
});
afterAll(async () => {
  await relay.stop();
  await anvil.stop();
  rmSync(home, { recursive: true });
});

async function plant(): Promise<void> {
  await anvil.call('anvil_setCode', MULTICALL, contract('multicall3'));
  for (const token of TOKENS) await anvil.call('anvil_setCode', token, contract('sandbox-usdc'));
}

const send = (to: string, data: Hex) =>
  anvil.call('eth_sendTransaction', { from: SENDER, to, data, gas: '0x1e8480' });

async function mine(timeMs?: number): Promise<void> {
  if (timeMs !== undefined) await anvil.call('evm_setNextBlockTimestamp', timeMs / 1000);
  await anvil.call('evm_mine');
}

function targetOf(call: ChainCall): { target: Hex; allowFailure: boolean; callData: Hex } {
  const { token } = 'transfer' in call ? call.transfer : call.cancel;
  const callData =
    'transfer' in call ? encodeTransfer(call.transfer) : encodeCancellation(call.cancel);
  return { target: token as Hex, allowFailure: false, callData };
}

async function include(transactions: readonly (readonly ChainCall[])[], timeMs?: number) {
  for (const calls of transactions) {
    const [first, ...more] = calls.map(targetOf);
    if (!first) continue;
    if (more.length === 0) await send(first.target, first.callData);
    else {
      const args = [[first, ...more]] as const;
      await send(MULTICALL, encodeFunctionData({ abi: ABI, functionName: 'aggregate3', args }));
    }
  }
  await mine(timeMs);
}

const domainOf = (verifyingContract: string) => ({
  name: 'USDC',
  version: '2',
  chainId: 84532,
  verifyingContract,
});

async function signed(digest: string, from: string): Promise<Hex> {
  const payer = payers.find((it) => it.address.toLowerCase() === from);
  if (!payer) throw new Error(`nobody holds the key of ${from}`);
  return payer.sign({ hash: digest as Hex });
}

function newChain() {
  return evmChain({
    network: 'eip155:84532',
    rpcUrl: relay.url,
    gasKeyFile: join(home, 'gas.key'),
    timeoutMs: 5000,
  });
}

async function newWorld(): Promise<ChainUnderTest> {
  const chain = newChain();
  return {
    chain,
    tokens: TOKENS,
    payers: PAYERS,
    async authorize(terms = {}) {
      made += 1;
      const now = (await chain.head('latest')).timeMs / 1000;
      const transfer = {
        token: TOKENS[0],
        from: PAYERS[0],
        to: `0x${made.toString(16).padStart(40, 'e')}`,
        value: 20_000n,
        validAfter: now - 60,
        validBefore: now + 3600,
        nonce: `0x${made.toString(16).padStart(64, 'c')}`,
        ...terms,
      };
      const digest = transferDigest(transfer, domainOf(transfer.token));
      return { ...transfer, signature: await signed(digest, transfer.from) };
    },
    async cancel({ token, from, nonce }) {
      const digest = cancellationDigest({ from, nonce }, domainOf(token));
      return { token, from, nonce, signature: await signed(digest, from) };
    },
    mine,
    include,
    async sendPlain({ token, from, to, value }) {
      await anvil.call('anvil_setBalance', from, '0xde0b6b3a7640000');
      await anvil.call('anvil_impersonateAccount', from);
      const data = encodeFunctionData({
        abi: ABI,
        functionName: 'transfer',
        args: [to as Hex, value],
      });
      await anvil.call('eth_sendTransaction', { from, to: token, data, gas: '0x1e8480' });
      await mine();
    },
    reorg: async (depth) => void (await anvil.call('anvil_reorg', depth, [])),
    async break(how) {
      if (how === 'rpc') relay.behave(() => 503);
      if (how === 'wrong_chain')
        relay.behave(async (calls, forward) => {
          const ids = calls.filter((it) => it.method === 'eth_chainId').map((it) => it.id);
          const answers = await forward();
          return answers.map((it) => (ids.includes(it.id) ? { ...it, result: '0x1' } : it));
        });
      if (how !== 'no_code') return;
      for (const token of TOKENS) await anvil.call('anvil_setCode', token, '0x');
      // Until the blocks of every tag are without it.
      await anvil.call('anvil_mine', '0x3');
    },
    async mend() {
      relay.behave(undefined);
      await plant();
      await mine();
    },
    dispose: async () => relay.behave(undefined),
  };
}

describeChain('EVM, on anvil', newWorld);

describe('a chain over RPC', () => {
  const smart = '0x00000000000000000000000000000000000054a7';

  it('passes the signature of a contract as it is, whatever its length', async () => {
    const world = await newWorld();
    // Answers every ERC-1271 question with the magic value: PUSH4 1626ba7e, shift to the left, return.
    await anvil.call('anvil_setCode', smart, '0x631626ba7e60e01b60005260206000f3');
    const [token] = TOKENS;
    const mint = encodeFunctionData({ abi: ABI, functionName: 'mint', args: [smart, 1_000_000n] });
    await send(token, mint);
    await mine();
    const { signature: _, ...terms } = await world.authorize();
    const transfer: SignedTransfer = { ...terms, from: smart, signature: '0xabcdef' };
    await world.chain.submitTransfer(transfer);
    await world.mine();
    const reading = await world.chain.authorization(transfer, 'latest', 0);
    expect(reading).toMatchObject({ state: 'used', transfer: { from: smart, to: terms.to } });

    const other = { token, from: smart, nonce: wordOf('0x01'), signature: `0x${'ab'.repeat(96)}` };
    await world.chain.submitCancellation(other);
    await world.mine();
    expect((await world.chain.authorization(other, 'latest', 0)).state).toBe('canceled');
  });

  it('says of a submission that cannot succeed that it reverts', async () => {
    const world = await newWorld();
    const transfer = await world.authorize({ value: 10n ** 30n });
    await expect(world.chain.submitTransfer(transfer)).rejects.toMatchObject({
      name: 'Fault',
      code: 'submission_reverts',
      message: expect.stringContaining('exceeds balance'),
    });
  });

  it('searches logs in steps when the range is long', async () => {
    const world = await newWorld();
    const transfer = await world.authorize();
    await world.include([[{ transfer }]]);
    await anvil.call('anvil_mine', '0x10');
    const ranges: unknown[] = [];
    relay.behave((calls, forward) => {
      for (const { method, params } of calls) if (method === 'eth_getLogs') ranges.push(params[0]);
      return forward();
    });
    const narrow = evmChain({ network: 'eip155:84532', rpcUrl: relay.url, logRangeBlocks: 3 });
    expect((await narrow.authorization(transfer, 'latest', 0)).state).toBe('used');
    expect(ranges.length).toBeGreaterThan(1);
    for (const range of ranges as { fromBlock: string; toBlock: string }[])
      expect(Number(range.toBlock) - Number(range.fromBlock)).toBeLessThan(3);
  });

  it('sends nothing without a gas account', async () => {
    const world = await newWorld();
    const poor = evmChain({ network: 'eip155:84532', rpcUrl: relay.url });
    const transfer = await world.authorize();
    await expect(poor.submitTransfer(transfer)).rejects.toMatchObject({
      code: 'no_gas_account',
      retryable: false,
    });
    await expect(poor.submitCancellation(transfer)).rejects.toMatchObject({ name: 'Fault' });
  });

  it('goes on after a transaction the node refused, and after one it lost', async () => {
    const world = await newWorld();
    const [first, lost, next] = [
      await world.authorize(),
      await world.authorize(),
      await world.authorize(),
    ];
    await world.chain.submitTransfer(first);
    relay.behave(async (calls, forward) =>
      calls.some((it) => it.method === 'eth_sendRawTransaction') ? 502 : forward(),
    );
    await expect(world.chain.submitTransfer(lost)).rejects.toMatchObject({
      code: 'chain_unavailable',
    });
    relay.behave(undefined);
    await world.chain.submitTransfer(next);
    await world.chain.submitTransfer(lost);
    await world.mine();
    for (const transfer of [first, next, lost])
      expect((await world.chain.authorization(transfer, 'latest', 0)).state).toBe('used');
  });
});

describe('options that cannot work', () => {
  const rpcUrl = 'http://127.0.0.1:1';

  it.each(['solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', 'eip155:', 'eip155:0x1', 'eip155:1e3'])(
    'show at once: the network %s',
    (network) => {
      expect(() => evmChain({ network, rpcUrl })).toThrow(/no EVM network/);
    },
  );

  it('show at once: a URL that is none, without showing it', () => {
    const broken = { network: 'eip155:1', rpcUrl: 'secret words' };
    expect(() => evmChain(broken)).toThrow(expect.objectContaining({ code: 'rpc_url_unusable' }));
    expect(() => evmChain(broken)).not.toThrow(/secret words/);
  });

  it('show at once: a gas key that is none, without showing the key', () => {
    const file = join(home, 'wrong.key');
    writeFileSync(file, 'secret words');
    const options = { network: 'eip155:84532', rpcUrl, gasKeyFile: file };
    expect(() => evmChain(options)).toThrow(/holds no private key/);
    expect(() => evmChain(options)).not.toThrow(/secret words/);
    expect(() => evmChain({ ...options, gasKeyFile: join(home, 'nowhere') })).toThrow(/no private/);
  });
});

import { sha256Hex } from '@countersign/kernel';
import type { AuthorizationKey, SignedTransfer, SmartAccounts } from '@countersign/ports';
import {
  type AuthorizationTerms,
  type ChainUnderTest,
  describeAccounts,
  describeChain,
} from '@countersign/ports/suites';
import { describe, expect, it } from 'vitest';
import { MemoryChain } from './memory-chain.ts';

const address = (digit: string) => `0x${digit.repeat(40)}`;
const TOKENS = [address('1'), address('2')] as const;
const PAYERS = [address('a'), address('b')] as const;
const START_MS = 1_790_000_000_000;

/** Stands for a signature: what only the payer could have made of these fields. */
function sealOf(kind: string, fields: readonly unknown[]): string {
  const half = sha256Hex([kind, ...fields].join('/').toLowerCase());
  return `0x${half}${half}1b`;
}
const transferSeal = (it: Omit<SignedTransfer, 'signature'>) =>
  sealOf('transfer', [it.token, it.from, it.to, it.value, it.validAfter, it.validBefore, it.nonce]);
const cancelSeal = (it: AuthorizationKey) => sealOf('cancel', [it.token, it.from, it.nonce]);

/** Stands for what follows from an account's code, and for signatures of owners. */
const RULES: SmartAccounts = {
  address: (owner) => `0x${sha256Hex(owner).slice(0, 40)}`,
  rotationDigest: (rotation) => sealOf('rotation', Object.entries(rotation).sort().flat()),
};

function newChain(): MemoryChain {
  const chain = new MemoryChain({
    network: 'eip155:84532',
    tokens: TOKENS,
    genesisTimeMs: START_MS,
    verify: (transfer) => transfer.signature === transferSeal(transfer),
    verifyCancellation: (cancel) => cancel.signature === cancelSeal(cancel),
    accounts: {
      rules: RULES,
      chainId: 84_532,
      verify: (owner, digest, signature) => signature === sealOf(owner, [digest]),
    },
  });
  for (const token of TOKENS) for (const payer of PAYERS) chain.mint(token, payer, 1_000_000n);
  return chain;
}

function newWorld(chain = newChain()): ChainUnderTest & { readonly chain: MemoryChain } {
  let made = 0;
  let timeMs = START_MS;
  const mine = async (atMs = timeMs + 2000) => {
    ({ timeMs } = chain.mine(atMs));
  };
  return {
    chain,
    tokens: TOKENS,
    payers: PAYERS,
    async authorize(terms: AuthorizationTerms = {}) {
      made += 1;
      const transfer = {
        token: TOKENS[0],
        from: PAYERS[0],
        to: `0x${made.toString(16).padStart(40, 'e')}`,
        value: 20_000n,
        validAfter: START_MS / 1000 - 60,
        validBefore: START_MS / 1000 + 3600,
        nonce: `0x${made.toString(16).padStart(64, 'c')}`,
        ...terms,
      };
      return { ...transfer, signature: transferSeal(transfer) };
    },
    cancel: async ({ token, from, nonce }) => ({
      token,
      from,
      nonce,
      signature: cancelSeal({ token, from, nonce }),
    }),
    mine,
    async include(transactions, atMs) {
      for (const calls of transactions) await chain.submit(calls);
      await mine(atMs);
    },
    async sendPlain(send) {
      await chain.submitPlain(send);
      await mine();
    },
    async reorg(depth) {
      chain.reorg(depth);
    },
    async break(how) {
      chain.fail(how);
    },
    async mend() {
      chain.mend();
    },
    async dispose() {},
  };
}

describeChain('memory', async () => newWorld());

describeAccounts('in memory', async () => {
  const world = newWorld();
  let owners = 0;
  return {
    accounts: world.chain.accounts,
    newOwner() {
      owners += 1;
      const publicKey = `0x${owners.toString(16).padStart(128, 'd')}`;
      return {
        publicKey,
        account: RULES.address(publicKey),
        sign: async (account, newOwner, rotation) =>
          sealOf(publicKey, [
            RULES.rotationDigest({ account, newOwner, rotation, chainId: 84_532 }),
          ]),
      };
    },
    mine: () => world.mine(),
    reorg: (depth) => world.reorg(depth),
    dispose: async () => {},
  };
});

describe('a chain in memory', () => {
  it('gives the same blocks and hashes for the same calls', async () => {
    const histories = [];
    for (const world of [newWorld(), newWorld()]) {
      const hash = await world.chain.submitTransfer(await world.authorize());
      await world.mine();
      histories.push({ hash, head: world.chain.reorg(1) });
    }
    expect(histories[0]).toEqual(histories[1]);
  });

  it('gives another history after each reorganisation, at the same times', async () => {
    const world = newWorld();
    for (let block = 0; block < 4; block += 1) await world.mine();
    const first = await world.chain.head('latest');
    const second = world.chain.reorg(1);
    const third = world.chain.reorg(1);
    expect(new Set([first, second, third].map((it) => it.hash)).size).toBe(3);
    expect(new Set([first, second, third].map((it) => it.timeMs)).size).toBe(1);
  });

  it('does not reorganise what is final', async () => {
    const world = newWorld();
    for (let block = 0; block < 4; block += 1) await world.mine();
    expect(() => world.chain.reorg(3)).toThrow('finalized');
    expect(world.chain.reorg(2).number).toBe(4);
  });

  it('never mines two blocks of one time', () => {
    const chain = newChain();
    expect(chain.mine(START_MS).timeMs).toBe(START_MS + 1000);
    expect(chain.mine(START_MS + 5999).timeMs).toBe(START_MS + 5000);
    expect(chain.mine(0).timeMs).toBe(START_MS + 6000);
  });

  it('keeps finality as deep as it is told', async () => {
    const chain = new MemoryChain({
      network: 'eip155:1',
      tokens: [],
      genesisTimeMs: START_MS,
      safeDepth: 3,
      finalizedDepth: 5,
      verify: () => true,
      verifyCancellation: () => true,
    });
    for (let block = 1; block <= 9; block += 1) chain.mine(START_MS + block * 2000);
    expect((await chain.head('safe')).number).toBe(6);
    expect((await chain.head('finalized')).number).toBe(4);
  });

  it('can lose what waits', async () => {
    const world = newWorld();
    const transfer = await world.authorize();
    await world.chain.submitTransfer(transfer);
    world.chain.forgetPending();
    await world.mine();
    expect((await world.chain.authorization(transfer, 'latest', 0)).state).toBe('unused');
  });

  it('keeps the sum of all balances through failures and reorganisations', async () => {
    const world = newWorld();
    const sum = async () => {
      const people = [...PAYERS, address('9')];
      const held = people.map((it) => world.chain.balance(TOKENS[0], it));
      return (await Promise.all(held)).reduce((a, b) => a + b);
    };
    const before = await sum();
    const good = await world.authorize({ to: address('9'), value: 7n });
    const poor = await world.authorize({ to: address('9'), value: 10n ** 12n });
    for (let block = 0; block < 3; block += 1) await world.mine();
    await world.include([[{ transfer: good }, { transfer: poor }], [{ transfer: good }]]);
    expect(await world.chain.balance(TOKENS[0], address('9'))).toBe(7n);
    expect(await sum()).toBe(before);
    world.chain.reorg(1);
    expect(await world.chain.balance(TOKENS[0], address('9'))).toBe(0n);
    expect(await sum()).toBe(before);
  });
});

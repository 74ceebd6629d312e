import { MemoryChain } from '@countersign/testkit/memory-chain';
import { describe, expect, it } from 'vitest';
import { NETWORK, USDC } from './cast.ts';
import { chainPort } from './chain-port.ts';
import { FINAL_DEPTH, SAFE_DEPTH, SimChain, type Submission } from './chain.ts';
import { Dice } from './dice.ts';
import { Scheduler, newParty } from './scheduler.ts';
import { Weather } from './weather.ts';
import { Wire } from './wire.ts';

const START_MS = 1_760_000_000_000;
const PAYER = `0x${'b2'.repeat(20)}`;
const TAGS = ['latest', 'safe', 'finalized'] as const;

/** The simulated chain is watched and lags; what it says must be what the chain says that passes the port's contract. */
describe('the chain of the simulation', () => {
  it.each([1, 2, 3, 4, 5])(
    'reads like the memory chain, whatever is sent (seed %i)',
    async (seed) => {
      const dice = new Dice(`chains ${seed}`);
      const isGenuine = ({ signature }: { signature: string }) => signature !== 'forged';
      const sim = new SimChain(NETWORK, START_MS, { isGenuine, dice });
      const memory = new MemoryChain({
        network: NETWORK,
        tokens: [USDC],
        genesisTimeMs: sim.at('latest', 0).timeMs,
        safeDepth: SAFE_DEPTH,
        finalizedDepth: FINAL_DEPTH,
        verify: isGenuine,
        verifyCancellation: isGenuine,
      });
      memory.mint(USDC, PAYER, 10n ** 18n);
      const nonces = Array.from(
        { length: 12 },
        (_, index) => `0x${String(index).padStart(64, '0')}`,
      );
      let nowMs = START_MS;
      for (let round = 0; round < 60; round += 1) {
        for (let count = dice.between(0, 3); count > 0; count -= 1) {
          const submission = drawSubmission(dice, nonces, nowMs);
          sim.submit(submission);
          if (submission.kind === 'plain') await memory.submitPlain(submission);
          else if (submission.kind === 'transfer') await memory.submitTransfer(submission);
          else await memory.submitCancellation(submission);
        }
        nowMs += dice.between(1, 4) * 1_000;
        sim.mine(nowMs);
        memory.mine(nowMs);
        const before = sim.length - dice.between(1, 5);
        const first = (await memory.head('latest')).number - (sim.length - 1 - before);
        expect(await outflowsBy(sim, before, dice)).toEqual(await outflowsBy(memory, first, dice));
        for (const nonce of nonces)
          for (const tag of TAGS)
            expect(await readBy(sim, nonce, tag, dice)).toEqual(
              await readBy(memory, nonce, tag, dice),
            );
      }
    },
  );
});

async function outflowsBy(chain: SimChain | MemoryChain, fromBlock: number, dice: Dice) {
  const scan = { tokens: [USDC], wallets: [PAYER], fromBlock, tag: 'latest' } as const;
  const { outflows } =
    chain instanceof MemoryChain
      ? await chain.outflows(scan)
      : await inCalm(chain, dice, (port) => port.outflows(scan));
  return outflows.map(({ nonce, moved }) => ({ nonce, moved }));
}

function drawSubmission(dice: Dice, nonces: readonly string[], nowMs: number): Submission {
  const key = { token: USDC, from: PAYER, nonce: dice.pick(nonces) };
  const signature = dice.chance(0.1) ? 'forged' : 'genuine';
  if (dice.chance(0.1))
    return {
      ...{ kind: 'plain', token: USDC, from: PAYER, to: `0x${'a1'.repeat(20)}` },
      value: dice.pick([0n, 3n]),
    };
  if (dice.chance(0.2)) return { kind: 'cancellation', ...key, signature };
  const validBefore = Math.floor(nowMs / 1_000) + dice.between(-2, 20);
  const to = `0x${'a1'.repeat(20)}`;
  return { kind: 'transfer', ...key, signature, to, value: 5n, validAfter: 0, validBefore };
}

/** What a reading says, apart from the names of blocks and transactions, which differ. */
async function readBy(
  chain: SimChain | MemoryChain,
  nonce: string,
  tag: (typeof TAGS)[number],
  dice: Dice,
) {
  const key = { token: USDC, from: PAYER, nonce };
  const reading =
    chain instanceof MemoryChain
      ? await chain.authorization(key, tag, 0)
      : await inCalm(chain, dice, (port) => port.authorization(key, tag, 0));
  const where = reading.state === 'used' ? reading.transfer : null;
  const canceled = reading.state === 'canceled' ? reading.canceled : null;
  return {
    state: reading.state,
    atMs: tag === 'latest' ? reading.at.timeMs : 0,
    to: where?.to,
    value: where?.value,
    blockMs: (where ?? canceled)?.block.timeMs,
  };
}

/** Asks through the port, with nobody to disturb it. */
async function inCalm<T>(
  chain: SimChain,
  dice: Dice,
  ask: (port: ReturnType<typeof chainPort>) => Promise<T>,
): Promise<T> {
  const scheduler = new Scheduler(dice, START_MS);
  const weather = new Weather(dice, 1);
  const wire = new Wire({ scheduler, weather, dice, party: newParty() });
  const answer = ask(chainPort({ chain, wire, weather, dice }));
  while (await scheduler.step());
  return answer;
}

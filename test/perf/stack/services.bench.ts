import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProposeBody } from '@countersign/contracts';
import { startChain } from '@countersign/sandbox/chain';
import { CountersignClient, CountersignError } from '@countersign/sdk';
import { NETWORK, PAYEE, USDC } from '@countersign/testkit';
import { type Address, bytesToHex } from 'viem';
import type { Chain } from '../../../apps/sandbox/src/chain.ts';
import { FOLDER } from '../../../apps/sandbox/src/story/countersign.ts';
import { takeFolder } from '../../../apps/sandbox/src/story/folder.ts';
import { startReceiver } from '../../../apps/sandbox/src/story/receiver.ts';
import { startStack } from '../../../apps/sandbox/src/story/stack.ts';
import { autonomous } from '../../e2e/policies.ts';
import { type Bench, type Line, quantile, rate, secondsOf, thousands, times } from '../bench.ts';
import { bareThrough } from './bare-kafka.ts';
import { processorTime, usedSince } from './processor-time.ts';

const RATES = [10, 100, 200, 500];
const SECONDS = { quick: 3, full: 20 };
const AT_ONCE = 64;
const WARM_UP_SECONDS = { quick: 5, full: 20 };
const BARE = { quick: 5_000, full: 50_000 };
/** Each may have 256 payments open, and none of these is presented: they end when their time is over. */
const AGENTS = 64;
/** So many seconds' worth of payments under way mean that more come in than go out. */
const BACKLOG_SECONDS = 2;

/** What settlement does when nothing else is set. */
const POLL_MS = 1_000;

type Propose = () => Promise<{ readonly status: string }>;

interface Governed {
  /** Of agents that may spend without end, in turns. */
  readonly rich: Propose;
  /** Of one whose budget refuses everything: intent to decision, and nothing after it. */
  readonly poor: Propose;
}

async function governed(
  owner: CountersignClient,
  baseUrl: string,
  chain: Chain,
): Promise<Governed> {
  const wallet = 'payer';
  const { address } = await owner.call('requestWallet', { body: { wallet } });
  await chain.fund(address as Address, 1_000_000_000_000n);
  const agentOf = async (agent: string) => {
    const { credential } = await owner.call('addAgent', { body: { agent, wallet } });
    return new CountersignClient({ baseUrl, credential });
  };
  const body = {
    ...{ domain: 'api.example.com', trust: 'known' as const, category: 'embedding' },
    ...{ jurisdiction: 'DE', takes: 'any' as const, routes: [] },
    payTo: [{ network: NETWORK, address: PAYEE }],
  };
  await owner.call('registerSeller', { params: { seller: 'embeddings' }, body });
  const none = `  - { id: poor-agent, scope: agent, only: [poor], window: { kind: lifetime }, atMost: '0.00', alternative: wait }\n`;
  const text = autonomous({ perDay: '1000000.00' }) + none;
  const { version } = await owner.call('putPolicy', { body: { text } });
  await owner.call('activatePolicy', { params: { version: String(version) } });
  const poor = await agentOf('poor');
  const rich = await Promise.all(
    Array.from({ length: AGENTS }, (_, index) => agentOf(`rich-${index}`)),
  );
  let next = 0;
  return {
    poor: () => poor.propose(purchase()),
    rich: async () => {
      next += 1;
      const client = rich[next % AGENTS];
      if (!client) throw new Error('no agents');
      return client.propose(purchase());
    },
  };
}

let purchases = 0;

function purchase(): ProposeBody {
  purchases += 1;
  return {
    quote: {
      ...{ scheme: 'exact', network: NETWORK, asset: USDC, amount: '20000', payTo: PAYEE },
      maxTimeoutSeconds: 60,
    },
    resource: { method: 'GET', url: `https://api.example.com/v1/embed?${purchases}` },
  };
}

/** What became of some payments: how long each signature took, and how often what else came of one. */
class Outcomes {
  readonly tookMs: number[] = [];
  readonly #others = new Map<string, number>();
  underWay = 0;

  /** @param fromMs when it was due to be proposed. */
  async of(propose: Propose, fromMs: number): Promise<void> {
    this.underWay += 1;
    const outcome = await propose().then(
      ({ status }) => status,
      (error: unknown) =>
        error instanceof CountersignError ? `${error.code} (${error.message})` : String(error),
    );
    this.underWay -= 1;
    if (outcome === 'signed') this.tookMs.push(performance.now() - fromMs);
    else this.#others.set(outcome, (this.#others.get(outcome) ?? 0) + 1);
  }

  get others(): string {
    return [...this.#others].map(([outcome, count]) => `, ${count} x ${outcome}`).join('');
  }

  get latency(): string {
    const at = (part: number) => quantile(this.tookMs, part).toFixed(0);
    return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
  }
}

/**
 * Payments begun at a steady rate, whatever becomes of those before; each is timed from when it was due. Ends early when
 * too many are under way: then the rate is more than there is room for.
 */
async function paced(propose: Propose, perSecond: number, seconds: number) {
  const outcomes = new Outcomes();
  const [before, startMs] = [processorTime(), performance.now()];
  const proposed: Promise<void>[] = [];
  let isSaturated = false;
  while (proposed.length < perSecond * seconds && !isSaturated) {
    const dueMs = startMs + (proposed.length * 1_000) / perSecond;
    const restMs = dueMs - performance.now();
    if (restMs > 0) await sleep(restMs);
    proposed.push(outcomes.of(propose, dueMs));
    isSaturated = outcomes.underWay > perSecond * BACKLOG_SECONDS;
  }
  await Promise.all(proposed);
  const lasted = (performance.now() - startMs) / 1_000;
  const used = usedSince(before, { seconds: lasted, count: proposed.length });
  return { outcomes, isSaturated, signed: outcomes.tookMs.length / lasted, used };
}

/** As many as come through in some seconds, with so many under way at any time. */
async function atOnce(propose: Propose, forSeconds: number) {
  const outcomes = new Outcomes();
  const before = processorTime();
  const endMs = performance.now() + forSeconds * 1_000;
  let count = 0;
  const caller = async () => {
    while (performance.now() < endMs) {
      count += 1;
      await outcomes.of(propose, performance.now());
    }
  };
  const seconds = await secondsOf(() => Promise.all(Array.from({ length: AT_ONCE }, caller)));
  return { outcomes, perSecond: rate(count, seconds), used: usedSince(before, { seconds, count }) };
}

async function atRates(propose: Propose, seconds: number, tell: (doing: string) => void) {
  const lines: Line[] = [];
  for (const perSecond of RATES) {
    tell(`${perSecond} payments a second`);
    const { outcomes, isSaturated, signed, used } = await paced(propose, perSecond, seconds);
    const rest = `${thousands(signed)} signed a second${outcomes.others}`;
    tell(`${outcomes.latency}; ${rest}; ${used}`);
    lines.push({
      what: `intent to signature, ${perSecond} proposed a second`,
      figure: isSaturated ? `more than there is room for; ${rest}` : `${outcomes.latency}; ${rest}`,
      beside: used,
      ...(perSecond === 500 && { aim: 'p50 < 7 ms, p99 < 23 ms' }),
    });
    if (isSaturated) return lines;
  }
  return lines;
}

async function withServices<T>(
  tell: (doing: string) => void,
  work: (agents: Governed, brokers: readonly string[]) => Promise<T>,
): Promise<T> {
  await using parts = new AsyncDisposableStack();
  parts.use(takeFolder(FOLDER));
  const chain = parts.use(await startChain());
  const receiver = parts.use(await startReceiver());
  const key = chain.gasAccounts[1]?.getHdKey().privateKey;
  if (!key) throw new Error('the chain has no second gas account');
  const gasKeyFile = join(FOLDER, 'gas.key');
  writeFileSync(gasKeyFile, bytesToHex(key), { mode: 0o600 });
  const surroundings = { chain, receiver, gasKeyFile, pollMs: POLL_MS, port: 0, progress: tell };
  const stack = parts.use(await startStack(surroundings));
  const credential = readFileSync(stack.ownerCredentialFile, 'utf8').trim();
  const owner = new CountersignClient({ baseUrl: stack.url, credential });
  tell(`a policy, a seller, ${AGENTS} agents`);
  // Awaited here: what is returned unawaited outlives the parts.
  return await work(await governed(owner, stack.url, chain), stack.brokers ?? []);
}

export const bench: Bench = {
  title: 'Every service a process of its own',
  about:
    'Seven services, Kafka, Redis, Vault and a chain on the same cores as the caller, one replica each. A payment is timed from when it was due to be proposed until its signature is in the answer, at steady rates, until more come in than go out. Decisions are purchases that a budget refuses. Beside each figure, the processor time that each process used: the sum is what limits a machine this small.',
  run: (tell, size) =>
    withServices(tell, async ({ rich, poor }, brokers) => {
      tell('warming up');
      await atOnce(poor, WARM_UP_SECONDS[size]);
      await atOnce(rich, WARM_UP_SECONDS[size]);
      tell('decisions');
      const decided = await atOnce(poor, SECONDS[size]);
      tell('bare kafkajs');
      const bare = await bareThrough(brokers, BARE[size]);
      const lines = await atRates(rich, SECONDS[size], tell);
      tell(`as many payments as there is room for`);
      const most = await atOnce(rich, SECONDS[size]);
      return [
        {
          what: `intent to decision over HTTP, Kafka and Redis, ${AT_ONCE} at once`,
          figure: `${thousands(decided.perSecond)} /s; ${decided.used}`,
          beside: `bare kafkajs, produce to consume ${thousands(bare)} /s: ${times(decided.perSecond / bare)}`,
          aim: '>= 0.25x',
        },
        ...lines,
        {
          what: `intent to signature, ${AT_ONCE} at once`,
          figure: `${thousands(most.perSecond)} /s, ${most.outcomes.latency}${most.outcomes.others}`,
          beside: most.used,
        },
      ];
    }),
};

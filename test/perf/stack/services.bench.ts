import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProposeBody } from '@countersign/contracts';
import { startChain } from '@countersign/sandbox/chain';
import { CountersignClient } from '@countersign/sdk';
import { NETWORK, PAYEE, USDC } from '@countersign/testkit';
import { type Address, bytesToHex } from 'viem';
import type { Chain } from '../../../apps/sandbox/src/chain.ts';
import { FOLDER } from '../../../apps/sandbox/src/story/countersign.ts';
import { startReceiver } from '../../../apps/sandbox/src/story/receiver.ts';
import { startStack } from '../../../apps/sandbox/src/story/stack.ts';
import { autonomous } from '../../e2e/policies.ts';
import { type Bench, type Line, quantile, rate, secondsOf, thousands } from '../bench.ts';

const RATES = [10, 100, 500];
const SECONDS = { quick: 3, full: 20 };
const AT_ONCE = 128;
const DECISIONS = { quick: 200, full: 5_000 };

interface Governed {
  /** May spend without end. */
  readonly rich: CountersignClient;
  /** Whose budget refuses everything: intent to decision, and nothing after it. */
  readonly poor: CountersignClient;
}

async function governed(
  owner: CountersignClient,
  baseUrl: string,
  chain: Chain,
): Promise<Governed> {
  const agentOf = async (agent: string) => {
    const wallet = `${agent}-wallet`;
    const { address } = await owner.call('requestWallet', { body: { wallet } });
    await chain.fund(address as Address, 1_000_000_000_000n);
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
  return { rich: await agentOf('rich'), poor: await agentOf('poor') };
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

/** Payments begun at a steady rate, whatever becomes of those before; each is timed from when it was due. */
async function paced(client: CountersignClient, perSecond: number, seconds: number) {
  const took: number[] = [];
  const failures = new Map<string, number>();
  const startMs = performance.now();
  const under: Promise<void>[] = [];
  for (let index = 0; index < perSecond * seconds; index += 1) {
    const dueMs = startMs + (index * 1_000) / perSecond;
    const restMs = dueMs - performance.now();
    if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
    const done = client.propose(purchase()).then(
      ({ status }) => {
        if (status === 'signed') took.push(performance.now() - dueMs);
        else failures.set(status, (failures.get(status) ?? 0) + 1);
      },
      (error: Error) => void failures.set(error.message, (failures.get(error.message) ?? 0) + 1),
    );
    under.push(done);
  }
  await Promise.all(under);
  const signed = took.length / ((performance.now() - startMs) / 1_000);
  return { took, signed, failures: [...failures].map(([why, count]) => `${count} x ${why}`) };
}

async function decided(client: CountersignClient, count: number): Promise<number> {
  let left = count;
  const caller = async () => {
    while ((left -= 1) >= 0) await client.propose(purchase());
  };
  const seconds = await secondsOf(() => Promise.all(Array.from({ length: AT_ONCE }, caller)));
  return rate(count, seconds);
}

export const bench: Bench = {
  title: 'Every service a process of its own',
  about:
    'Seven services, Kafka, Redis, Vault and a chain on the same cores as the caller, one replica each. A payment is timed from when it was due to be proposed until its signature is in the answer, at steady rates. Decisions are purchases that a budget refuses, many at once.',
  async run(tell, size) {
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(FOLDER, { recursive: true });
    await using parts = new AsyncDisposableStack();
    const chain = parts.use(await startChain());
    const receiver = parts.use(await startReceiver());
    const key = chain.gasAccounts[1]?.getHdKey().privateKey;
    if (!key) throw new Error('the chain has no second gas account');
    const gasKeyFile = join(FOLDER, 'gas.key');
    writeFileSync(gasKeyFile, bytesToHex(key), { mode: 0o600 });
    const stack = parts.use(
      await startStack({ chain, receiver, gasKeyFile, port: 0, progress: tell }),
    );
    const credential = readFileSync(stack.ownerCredentialFile, 'utf8').trim();
    const owner = new CountersignClient({ baseUrl: stack.url, credential });
    const { rich, poor } = await governed(owner, stack.url, chain);
    tell('warming up');
    await decided(poor, DECISIONS.quick);
    await paced(rich, 10, 3);
    tell('decisions');
    const lines: Line[] = [
      {
        what: `intent to decision over HTTP, Kafka and Redis, ${AT_ONCE} at once`,
        figure: `${thousands(await decided(poor, DECISIONS[size]))} /s`,
        aim: '>= 0.25 of bare kafkajs, produce to consume (see the log on Kafka)',
      },
    ];
    for (const perSecond of RATES) {
      tell(`${perSecond} payments a second`);
      const { took, signed, failures } = await paced(rich, perSecond, SECONDS[size]);
      lines.push({
        what: `intent to signature, ${perSecond} proposed a second`,
        figure: `p50 ${quantile(took, 0.5).toFixed(0)} ms, p99 ${quantile(took, 0.99).toFixed(0)} ms; ${thousands(signed)} signed a second`,
        ...(failures.length > 0 && { beside: failures.join(', ') }),
        ...(perSecond === 500 && { aim: 'p50 < 7 ms, p99 < 23 ms' }),
      });
    }
    return lines;
  },
};

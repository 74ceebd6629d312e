import { join } from 'node:path';
import { openKeystore } from '@countersign/adapter-keystore';
import { openStore } from '@countersign/adapter-sqlite';
import { paymentIdOf } from '@countersign/payment';
import { compilePolicy, concludeDecision } from '@countersign/policy';
import { parsePolicyText } from '@countersign/policy/text';
import { ownEvent, signStatement } from '@countersign/service-kit';
import { autonomous } from '../e2e/policies.ts';
import { type Bench, inDirectory, rate, secondsOf, thousands, times } from './bench.ts';
import { OWNER, factsOf, reserved } from './purchase.ts';

const PRODUCERS = 64;
const EACH = { quick: 10, full: 400 };

interface Produced {
  /** Calls in one second. */
  readonly perSecond: number;
  /** Processor time of one call, on all threads, in microseconds. */
  readonly cpuMicros: number;
}

/** Every producer does its calls one after another, each waiting until the one before is over. */
async function produce(each: number, call: (index: number) => Promise<unknown>): Promise<Produced> {
  const before = process.cpuUsage();
  const seconds = await secondsOf(() =>
    Promise.all(
      Array.from({ length: PRODUCERS }, async (_, producer) => {
        for (let turn = 0; turn < each; turn += 1) await call(turn * PRODUCERS + producer);
      }),
    ),
  );
  const { user, system } = process.cpuUsage(before);
  const count = each * PRODUCERS;
  return { perSecond: rate(count, seconds), cpuMicros: (user + system) / count };
}

/** How fast it went, and the processor time it took. */
const told = ({ perSecond, cpuMicros }: Produced, of: string) =>
  `${thousands(perSecond)} ${of}/s, ${thousands(cpuMicros)} us of processor time each`;

export const bench: Bench = {
  title: 'Durable accept: decide, reserve and log beside the bare log',
  about:
    'Sixty-four producers on one SQLite file; every call is on disk (fsync) before it is acknowledged. The bare log appends records of the same bytes. Deciding reserves in a transaction before the one that logs, and signs (ed25519) on other threads, up to sixteen decisions under one signature, which takes three times the processor time of one bare record.',
  run: (tell, size) =>
    inDirectory(async (folder) => {
      const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
      const store = openStore({ path: join(folder, 'store.db'), laneCount: 1, clock });
      const keystore = await openKeystore({
        folder: join(folder, 'keys'),
        passphraseFile: join(folder, 'passphrase'),
      });
      const key = await keystore.statementKey('policy');
      const { document, hash } = parsePolicyText(autonomous({ perDay: '1000000.00' }));
      const policy = compilePolicy(document, { version: 1, hash });
      let bytes: Uint8Array = new Uint8Array();
      const accept = async (index: number) => {
        const facts = factsOf(Date.now());
        const paymentId = paymentIdOf(0, OWNER, hash, index);
        const { plan, answer } = await reserved(store.budgets, policy, facts, {
          paymentId,
          epoch: 0,
        });
        const verdict = concludeDecision(policy, facts, plan, answer);
        const decision = { policy: { version: 1, hash }, facts, answer, verdict };
        const cause = `bench/${index}`;
        const of = { ...OWNER, paymentId, round: 0, through: 0 };
        const statement = { ...of, decision, proceed: 'authorize' } as const;
        const data = await signStatement(key, 'decision.made', statement, cause);
        ({ bytes } = ownEvent('decision.made', data, cause));
        await store.log.append([{ lane: '0', key: 'default/research-1', bytes }]);
      };
      const count = PRODUCERS * EACH[size];
      tell('deciding, reserving, logging');
      await produce(Math.ceil(EACH[size] / 10), (index) => accept(1_000_000 + index));
      const accepting = await produce(EACH[size], accept);
      tell('only logging');
      const logging = await produce(EACH[size], () =>
        store.log.append([{ lane: '0', key: 'default/research-1', bytes }]),
      );
      tell('only signing');
      const text = new TextDecoder().decode(bytes);
      const signing = await produce(EACH[size], () => key.sign(text));
      await store.close();
      const timesBare = (own: Produced) => times(own.perSecond / logging.perSecond);
      return [
        {
          what: `${PRODUCERS} producers, ${thousands(count)} decisions of ${bytes.length} bytes`,
          figure: told(accepting, 'decisions'),
          beside: `${told(logging, 'records')} bare: ${timesBare(accepting)}`,
          aim: '>= 0.50x',
        },
        {
          what: 'as many signatures, each of one decision',
          figure: told(signing, 'signatures'),
          beside: `the bare log: ${timesBare(signing)}`,
        },
      ];
    }),
};

import { writeSync } from 'node:fs';
import { argv } from 'node:process';
import { Fault } from '@countersign/kernel';
import { openStore } from './store.ts';

/**
 * A process for tests to kill or to starve: `<path> <record bytes>`. Eight producers reserve for a payment and record
 * it in the same turn, and print `<lane> <offset> <payment>` once both are acknowledged; the first fault ends them, and
 * prints its code and that of a further call.
 */
const [path = '', size = '0'] = argv.slice(2);
let nowMs = 1_790_000_000_000;
const clock = { nowMs: () => (nowMs += 1), monotonicMs: () => nowMs };
const store = openStore({ path, laneCount: 2, clock, logId: 'kill-test' });
const filler = '.'.repeat(Number(size));
const begun = (await store.log.end('0')) + (await store.log.end('1'));

async function produce(producer: number): Promise<void> {
  for (let count = 0; ; count += 1) {
    const paymentId = `p${begun}-${producer}-${count}`;
    const lane = String(producer % 2);
    const bytes = new TextEncoder().encode(`${paymentId} ${filler}`);
    const [, positions] = await Promise.all([
      store.budgets.reserve({
        tenant: 'acme',
        epoch: 0,
        paymentId,
        attempt: { round: 0, through: 0 },
        amount: 1n,
        scopes: ['agent:a', 'tenant:acme'],
        always: [],
        tiers: [{ name: 'auto', scope: 'tier:auto', limits: [] }],
        inputs: filler,
      }),
      store.log.append([{ lane, key: 'acme/a', bytes }]),
    ]);
    for (const { offset } of positions) writeSync(1, `${lane} ${offset} ${paymentId}\n`);
  }
}

const codeOf = (error: unknown) => (error instanceof Fault ? error.code : String(error));
const outcomes = await Promise.allSettled(Array.from({ length: 8 }, (_, at) => produce(at)));
const again = await store.log.read('0', 0, 1).then((read) => `${read.length} read`, codeOf);
const codes = new Set(outcomes.map((it) => (it.status === 'rejected' ? codeOf(it.reason) : '')));
writeSync(1, `fault ${[...codes].join()} ${again}\n`);

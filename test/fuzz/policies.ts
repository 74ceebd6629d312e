import { PAYMENTS_EACH, compareSeed } from '../../libs/policy/src/domain/testing/compare.ts';

const TOLD_EACH_MS = 60_000;
const SHOWN_EACH_MS = 1_000;

/**
 * Decides generated payments under generated policies, by the engine and by the plain rules, until they differ. Each
 * policy has a seed of its own, from `seed` on.
 *
 * @returns whether they never did.
 */
export function fuzzPolicies(payments: number, seed: number): boolean {
  const progress = new Progress(payments);
  for (let done = 0; done < payments; done += PAYMENTS_EACH) {
    const own = seed + done / PAYMENTS_EACH;
    const found = compareSeed(own);
    if (found) {
      const { what, payment, document, facts, answer, readings } = found;
      progress.clear();
      console.log(`fuzz: engine and plain rules differ on payment ${payment} of seed ${own}`);
      console.log(what);
      console.log(JSON.stringify({ document, facts, answer, readings }, null, 2));
      console.log(`again: npm run fuzz -- --policies ${PAYMENTS_EACH} --seed ${own}`);
      return false;
    }
    progress.show(done);
  }
  progress.clear();
  const policies = Math.ceil(payments / PAYMENTS_EACH);
  const decided = `${policies * PAYMENTS_EACH} payments under ${policies} policies`;
  console.log(`fuzz: engine and plain rules agree on ${decided}, from seed ${seed} on`);
  return true;
}

/** How far it has come: on a terminal in one line that is overwritten, in a file in a line each minute. */
class Progress {
  readonly #of: number;
  readonly #startedAt = performance.now();
  #toldAt = this.#startedAt;

  constructor(of: number) {
    this.#of = of;
  }

  show(done: number): void {
    const nowMs = performance.now();
    const { isTTY } = process.stderr;
    if (nowMs - this.#toldAt < (isTTY ? SHOWN_EACH_MS : TOLD_EACH_MS)) return;
    this.#toldAt = nowMs;
    const rate = Math.round((done * 1_000) / (nowMs - this.#startedAt));
    const text = `${done} of ${this.#of} payments, ${rate} a second`;
    process.stderr.write(isTTY ? `\r${text.padEnd(70)}` : `${text}\n`);
  }

  clear(): void {
    if (process.stderr.isTTY) process.stderr.write(`\r${''.padEnd(70)}\r`);
  }
}

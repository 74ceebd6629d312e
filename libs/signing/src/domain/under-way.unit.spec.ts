import type { Payment } from '@countersign/payment';
import { LaneBench } from '@countersign/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { UnderWay } from './under-way.ts';

const NOBODY = { isCounted: () => false, nowMs: 0 };
const bench = new LaneBench();
let made = 0;

/** A payment of the bench's only wallet, fixed for 20000. */
function fixed(): Payment {
  made += 1;
  const { payment } = bench.submit(made, { url: `https://api.example.com/v1/${made}` });
  if (!payment) throw new Error('the intent made no payment');
  bench.decide(payment, made);
  bench.fix(bench.payment(payment.id), made);
  return bench.payment(payment.id);
}

describe('what may be signed beside a payment', () => {
  let underWay: UnderWay;
  beforeEach(() => {
    underWay = new UnderWay([]);
  });
  const takeAll = (payments: readonly (readonly [Payment, number])[]) => {
    for (const [payment, lane] of payments) underWay.take(payment, lane);
  };

  it('is in its own lane what was fixed before it', () => {
    const [first, second, third] = [fixed(), fixed(), fixed()];
    takeAll([first, second, third].map((it) => [it, 0] as const));
    const sums = [first, second, third].map((it) => underWay.beside(it, NOBODY));
    expect(sums).toEqual([0n, 20_000n, 40_000n]);
  });

  it('is in other lanes all, as each of two may be the earlier one', () => {
    const [here, there] = [fixed(), fixed()];
    takeAll([
      [here, 0],
      [there, 1],
    ]);
    expect([here, there].map((it) => underWay.beside(it, NOBODY))).toEqual([20_000n, 20_000n]);
  });

  it('is all that stood there at the start, in whatever order', () => {
    const [one, other, later] = [fixed(), fixed(), fixed()];
    underWay = new UnderWay([
      [one, 0],
      [other, 0],
    ]);
    underWay.take(later, 0);
    const sums = [one, other, later].map((it) => underWay.beside(it, NOBODY));
    expect(sums).toEqual([20_000n, 20_000n, 40_000n]);
  });

  it('is not what is counted as signed, what the chain takes no more, or what has gone on', () => {
    const [first, last] = [fixed(), fixed()];
    takeAll([
      [first, 0],
      [last, 0],
    ]);
    expect(underWay.beside(last, { ...NOBODY, isCounted: (id) => id === first.id })).toBe(0n);
    if (first.phase.status !== 'fixed') throw new Error('it is not fixed');
    const untilMs = first.phase.fixed.authorization.validBefore * 1_000;
    expect(underWay.beside(last, { ...NOBODY, nowMs: untilMs - 1 })).toBe(20_000n);
    expect(underWay.beside(last, { ...NOBODY, nowMs: untilMs })).toBe(0n);
    underWay.take({ ...first, phase: { status: 'undecided', completed: null } }, 0);
    expect(underWay.beside(last, NOBODY)).toBe(0n);
  });

  it('is nothing of another tenant, wallet or token', () => {
    const [mine, other] = [fixed(), fixed()];
    if (other.phase.status !== 'fixed') throw new Error('it is not fixed');
    const { phase } = other;
    const { authorization } = phase.fixed;
    const token = `0x${'9'.repeat(40)}`;
    const others: Payment[] = [
      { ...other, id: 'a', tenant: 'other' },
      { ...other, id: 'b', phase: { ...phase, fixed: { ...phase.fixed, walletId: 'w2' } } },
      {
        ...other,
        id: 'c',
        phase: { ...phase, fixed: { ...phase.fixed, authorization: { ...authorization, token } } },
      },
    ];
    takeAll([...others, mine].map((it) => [it, 0] as const));
    expect(underWay.beside(mine, NOBODY)).toBe(0n);
  });
});

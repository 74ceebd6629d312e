import { describe, expect, it } from 'vitest';
import { DaySum } from './day-sum.ts';

const DAY_MS = 86_400_000;
const NOW_MS = 1_790_000_000_000;
const idOf = (lane: number, index: number) => `pay_${lane}_${String(index).padStart(32, '0')}`;

describe('what a wallet may have signed away in a day', () => {
  it('is of the 24 hours before the time asked for, in whatever order it became known', () => {
    const day = new DaySum();
    for (const [index, ageMs] of [0, DAY_MS - 1, DAY_MS, 5].entries())
      day.add({ paymentId: idOf(0, index), value: 10n ** BigInt(index), atMs: NOW_MS - ageMs });
    expect(day.at(NOW_MS)).toBe(1_011n);
    expect(day.at(NOW_MS + DAY_MS - 1)).toBe(1n);
    expect(day.at(NOW_MS + DAY_MS)).toBe(0n);
  });

  it('is all there again when a clock that was ahead is back', () => {
    const day = new DaySum();
    day.add({ paymentId: idOf(0, 1), value: 7n, atMs: NOW_MS });
    expect(day.at(NOW_MS + 2 * DAY_MS)).toBe(0n);
    expect(day.at(NOW_MS)).toBe(7n);
  });

  it('leaves out, beside a payment, itself and what stands after it in its lane', () => {
    const day = new DaySum();
    const entries = [
      [0, 1n],
      [1, 10n],
      [0, 100n],
      [0, 1_000n],
      [1, 10_000n],
    ] as const;
    for (const [index, [lane, value]] of entries.entries())
      day.add({ paymentId: idOf(lane, index), value, atMs: NOW_MS });
    expect(day.beside(idOf(0, 2), NOW_MS)).toBe(10_011n);
    expect(day.beside(idOf(1, 4), NOW_MS)).toBe(1_111n);
    expect(day.beside(idOf(0, 9), NOW_MS)).toBe(11_111n);
  });

  it('lets go of what is a day older than the newest', () => {
    const day = new DaySum();
    for (let index = 0; index < 3_000; index += 1)
      day.add({ paymentId: idOf(0, index), value: 1n, atMs: NOW_MS + index * 60_000 });
    expect(day.at(NOW_MS + 2_999 * 60_000)).toBe(1_440n);
  });
});

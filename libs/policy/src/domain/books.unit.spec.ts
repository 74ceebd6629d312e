import { describe, expect, it } from 'vitest';
import { heldOf, missingFrom } from './books.ts';

const open = (paymentId: string, amount: bigint) =>
  ({ state: 'open', paymentId, amount, scopes: ['agent:a'] }) as const;
const held = (...of: readonly ReturnType<typeof open>[]) => heldOf(of);

describe('what a budget store lacks', () => {
  const one = open('p1', 10n);

  it('is nothing when it holds what the log says', () => {
    expect(missingFrom([one], held(one), held(one))).toEqual([]);
    expect(heldOf([one, { state: 'released', paymentId: 'p2' }]).size).toBe(1);
  });

  it('is what was open before and after it was asked', () => {
    expect(missingFrom([], held(one), held(one))).toEqual(['p1']);
    expect(missingFrom([open('p1', 9n)], held(one), held(one))).toEqual(['p1']);
  });

  it('is not what ended, or was decided, meanwhile: the store is ahead of every fold', () => {
    expect(missingFrom([], held(one), held())).toEqual([]);
    expect(missingFrom([], held(), held(one))).toEqual([]);
    expect(missingFrom([open('p1', 12n)], held(one), held(open('p1', 12n)))).toEqual([]);
    expect(missingFrom([one, open('p2', 1n)], held(one), held(one))).toEqual([]);
  });
});

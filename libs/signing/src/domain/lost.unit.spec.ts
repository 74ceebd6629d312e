import { describe, expect, it } from 'vitest';
import { NEWEST_OF_A_LANE, lostOf } from './lost.ts';

const LANES = 2;
const signedIn = (lane: number, count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => ({ paymentId: `pay_${lane}_${from + index}` }));
const lost = (...names: readonly string[]) => names.map((name) => ({ paymentId: `pay_${name}` }));

/** What is found lost, and how often the log was asked. */
async function found(
  signed: readonly { readonly paymentId: string }[],
  missing: readonly { readonly paymentId: string }[],
) {
  const names = new Set(missing.map((it) => it.paymentId));
  let asked = 0;
  const all = await lostOf(signed, LANES, async ({ paymentId }) => {
    asked += 1;
    return !names.has(paymentId);
  });
  return { all, asked };
}

describe('what a log has lost of what was signed', () => {
  it('is found in one lane, however much the others have held since', async () => {
    const missing = lost('1_old');
    const signed = [...missing, ...signedIn(0, 5 * NEWEST_OF_A_LANE)];
    expect((await found(signed, missing)).all).toEqual(missing);
  });

  it('is all found or nothing, so that it has one name at each start', async () => {
    const missing = lost('1_b', '0_a');
    const since = signedIn(0, 2 * NEWEST_OF_A_LANE);
    const signed = [...missing.toReversed(), ...since];
    expect((await found(signed, missing)).all).toEqual(missing);
    const later = [...signed, ...signedIn(1, NEWEST_OF_A_LANE)];
    expect((await found(later, missing)).all).toEqual([]);
  });

  it('is looked for no further than each lane needs, and ends when all have it', async () => {
    const both = [...signedIn(0, 5_000), ...signedIn(1, 5_000)];
    expect(await found(both, [])).toEqual({ all: [], asked: 2 * NEWEST_OF_A_LANE });
    const uneven = [...signedIn(1, 7), ...signedIn(0, 5_000)];
    expect(await found(uneven, [])).toEqual({ all: [], asked: NEWEST_OF_A_LANE + 7 });
  });

  it('is nothing where nothing was signed', async () =>
    expect(await found([], [])).toEqual({ all: [], asked: 0 }));
});

import { describe, expect, it } from 'vitest';
import { PLANTS, type PlantName } from './plants.ts';
import { run } from './run.ts';

/** Seeds that find each, and the steps it may take them: about twice what it takes now. */
const FOUND_BY: Readonly<Record<PlantName, { readonly seed: number; readonly steps: number }>> = {
  'budget-store-forgets-open-reservations': { seed: 1, steps: 12_000 },
  'signer-signs-another-nonce-too': { seed: 1, steps: 6_000 },
  'signer-does-not-wait-for-people': { seed: 1, steps: 6_000 },
  'approval-counts-one-person-twice': { seed: 1, steps: 12_000 },
  'fold-skips-vetoes': { seed: 1, steps: 12_000 },
  'freeze-is-acknowledged-too-early': { seed: 1, steps: 12_000 },
  'chain-says-unused-for-an-error': { seed: 1, steps: 12_000 },
  'chain-calls-the-latest-block-final': { seed: 1, steps: 12_000 },
  'policy-says-yes-without-readings': { seed: 1, steps: 12_000 },
  'log-delivers-in-another-order': { seed: 1, steps: 2_000 },
  'log-rewrites-a-record': { seed: 1, steps: 12_000 },
  'agent-registers-its-own-seller': { seed: 1, steps: 4_000 },
  'intake-confirms-deliveries-itself': { seed: 1, steps: 12_000 },
  'chain-never-finalizes': { seed: 1, steps: 3_000 },
};

describe('a simulation with a fault planted into its world', () => {
  it.each(Object.entries(PLANTS))('finds that %s', async (name, { breaks, plant }) => {
    const { seed, steps } = FOUND_BY[name as PlantName];
    const outcome = await run({ seed, steps, replicas: 3, plant, only: [breaks] });
    expect(outcome.broken?.invariant).toBe(breaks);
  }, 60_000);
});

describe('a simulation', () => {
  it('takes the same steps again with the same seed', async () => {
    const first = await run({ seed: 7, steps: 3_000, replicas: 3 });
    const second = await run({ seed: 7, steps: 3_000, replicas: 3 });
    expect(first.broken).toBeUndefined();
    expect(second.trace).toBe(first.trace);
    expect(second.stepsAfter).toBe(first.stepsAfter);
  }, 60_000);

  it('takes other steps with another seed', async () => {
    const [one, other] = [await shortRun(1), await shortRun(2)];
    expect(one.trace).not.toBe(other.trace);
  }, 60_000);
});

function shortRun(seed: number) {
  return run({ seed, steps: 500, replicas: 2 });
}

import { describe, expect, it } from 'vitest';
import { PLANTS, type PlantName } from './plants.ts';
import { type Outcome, run } from './run.ts';

/** Seeds tried one after another, and the steps each may take: a few times what finding takes now. */
const SEEDS_MAX = 24;
const STEPS = 8_000;
/** What only shows at the end, when nothing ends, needs no long beginning; what must fail five times first takes minutes. */
const STEPS_OF: { readonly [N in PlantName]?: number } = {
  'chain-never-finalizes': 5_000,
  'settlement-presents-with-an-open-breaker': 24_000,
};

describe('a simulation with a fault planted into its world', () => {
  it.each(Object.keys(PLANTS) as PlantName[])(
    'finds that %s',
    async (name) => {
      const outcome = await search(name);
      expect(outcome.broken).toMatchObject({ invariant: PLANTS[name].breaks });
    },
    600_000,
  );
});

describe('a simulation', () => {
  it('takes the same steps again with the same seed', async () => {
    const first = await run({ seed: 7, steps: 4_000, replicas: 3 });
    const second = await run({ seed: 7, steps: 4_000, replicas: 3 });
    expect(first.broken).toBeUndefined();
    expect(second.trace).toBe(first.trace);
    expect(second.stepsAfter).toBe(first.stepsAfter);
  }, 120_000);

  it('takes other steps with another seed', async () => {
    const one = await run({ seed: 1, steps: 500, replicas: 2 });
    const other = await run({ seed: 2, steps: 500, replicas: 2 });
    expect(one.trace).not.toBe(other.trace);
  }, 120_000);
});

/** The first run that breaks the invariant the fault is planted for, or the last that did not. */
async function search(name: PlantName): Promise<Outcome> {
  const { breaks, plant } = PLANTS[name];
  const steps = STEPS_OF[name] ?? STEPS;
  for (let seed = 1; ; seed += 1) {
    const outcome = await run({ seed, steps, replicas: 3, plant, only: [breaks] });
    if (outcome.broken || seed === SEEDS_MAX) return outcome;
  }
}

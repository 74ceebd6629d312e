import { describe, expect, it } from 'vitest';
import { type Counted, STRIKES, Summary } from './summary.ts';
import { turnOf } from './turns.ts';

const GROUP = [1, 2, 3, 4, 5, 6, 7, 8];
const once = (names: readonly string[]) => new Map(names.map((name) => [name, 1]));

function summaryOf(changes: Partial<Counted>): Summary {
  const summary = new Summary();
  const counted = { ...summary.counted(), seeds: new Set(GROUP), steps: 200_000, ...changes };
  summary.include(counted);
  return summary;
}

describe('a simulation as long as the one of `npm test`', () => {
  it('names what never struck', () => {
    const without = STRIKES.filter((it) => it !== 'reorg' && it !== 'log restored');
    const summary = summaryOf({ events: once(without) });
    expect(summary.unstruck()).toEqual(['reorg', 'log restored']);
  });

  it('asks for every fault of the weather and for what only some runs have', () => {
    const rare = ['theft', 'taking', 'skew', 'budgetsLost', 'log restored', 'accounts handed over'];
    expect(summaryOf({}).unstruck()).toEqual(expect.arrayContaining(rare));
    expect(summaryOf({ events: once(STRIKES) }).unstruck()).toEqual([]);
  });

  it('counts what its threads had together', () => {
    const summary = summaryOf({ seeds: new Set([1, 3, 5, 7]), steps: 100_000 });
    expect(summary.unstruck()).toEqual([]);
    const rest = { seeds: new Set([2, 4, 6, 8]), steps: 100_000, events: once(['reorg']) };
    summary.include({ ...new Summary().counted(), ...rest });
    expect(summary.unstruck()).toEqual(STRIKES.filter((it) => it !== 'reorg'));
  });
});

describe('a simulation that is shorter, or of other seeds', () => {
  it.each([
    ['fewer steps', { steps: 199_999 }],
    ['fewer seeds', { seeds: new Set([1, 2, 3, 4, 5, 6, 7]) }],
    ['as many seeds of two groups', { seeds: new Set([2, 3, 4, 5, 6, 7, 8, 9]) }],
  ])('with %s need not have had everything', (_, changes) => {
    expect(summaryOf(changes).unstruck()).toEqual([]);
  });
});

describe('a turn', () => {
  it.each([1, 9, 801])('comes to each of the eight seeds from %d on once', (first) => {
    const turns = GROUP.map((seed) => turnOf(first - 1 + seed, 'restore'));
    expect(turns.toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});

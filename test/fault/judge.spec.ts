import { describe, expect, it } from 'vitest';
import { type Judged, failuresOf } from './judge.ts';
import type { Fault } from './plan.ts';

const KILL: Fault = { kind: 'kill', member: 'policy-1' };
const AIMED: Fault = {
  kind: 'kill on the wire',
  member: 'policy-1',
  server: 'kafka',
  side: 'request',
};
const injected = (count: number, missed: number, fault: Fault = KILL) =>
  Array.from({ length: count }, (_, index) => ({
    planned: { number: index + 1, fault, holdMs: 0, gapRecords: 2 },
    missed: index < missed,
  }));
const NOTHING = { settled: 0, vetoes: 0, recounts: 0 };
const GOOD: Judged = {
  verdicts: [{ invariant: 'all is well', looked: '', wrong: [] }],
  counts: { settled: 1, vetoes: 1, recounts: 1 },
  injected: injected(20, 0),
  asked: 20,
  allowFewer: false,
};

describe('a run of the fault suite', () => {
  it.each<[string, Partial<Judged>, readonly string[]]>([
    ['had all it was asked for', {}, []],
    [
      'broke an invariant',
      { verdicts: [{ invariant: 'all is well', looked: '', wrong: ['it is not'] }] },
      ['broken: all is well'],
    ],
    [
      'carried out fewer faults',
      { injected: injected(19, 0) },
      ['19 of 20 faults were carried out'],
    ],
    ['carried out fewer faults, as it may', { injected: injected(19, 0), allowFewer: true }, []],
    ['came too late half the time', { injected: injected(20, 10, AIMED) }, []],
    [
      'came too late most of the time',
      { injected: injected(20, 11, AIMED) },
      ['11 of 20 faults that wait for a point came too late'],
    ],
    [
      'had nothing to look at',
      { asked: 100, injected: injected(100, 0), counts: NOTHING },
      ['no payment settled', 'nothing was vetoed in time', 'no budget was recounted'],
    ],
    [
      'was too short to see a veto for certain',
      { counts: NOTHING },
      ['no payment settled', 'no budget was recounted'],
    ],
    ['was only to measure who takes over', { asked: 0, injected: [], counts: NOTHING }, []],
  ])('that %s', (_, changes, faults) => {
    expect(failuresOf({ ...GOOD, ...changes })).toEqual(faults);
  });
});

import type { SettlementOutcome } from '@countersign/payment';
import { describe, expect, it } from 'vitest';
import { breakerOf } from './breaker.ts';

/** `s`, `f`, `a` for settled, failed, ambiguous, a second apart. */
const KINDS = { s: 'settled', f: 'failed', a: 'ambiguous' } as const;
const outcomes = (text: string, fromMs = 0): SettlementOutcome[] =>
  [...text].map((letter, index) => ({
    atMs: fromMs + index * 1_000,
    kind: KINDS[letter as keyof typeof KINDS],
  }));
const stateOf = (all: readonly SettlementOutcome[], nowMs: number) => {
  const breaker = breakerOf(all, nowMs);
  return breaker.state === 'closed' ? 'closed' : `${breaker.state}: ${breaker.why}`;
};

describe('a breaker', () => {
  it.each([
    ['', 'closed'],
    ['ffff', 'closed'],
    ['fffff', 'open: consecutive_failures'],
    ['ffsff', 'closed'],
    ['fafafafaf', 'open: consecutive_failures'],
    ['fafafafa', 'closed'],
    ['sfsfsfsfs', 'closed'],
    ['sfsfsfsfsf', 'open: failure_rate'],
    ['ssssssssssffff', 'closed'],
    ['aaaaaaaaa', 'closed'],
    ['aaaaaassss', 'open: ambiguity'],
    ['aaaaasssss', 'closed'],
    ['ssssssssssssssssssss' + 'aaaaaaaaaaaa', 'open: ambiguity'],
  ])('after %s is %s', (text, state) => {
    const all = outcomes(text);
    expect(stateOf(all, all.length * 1_000)).toBe(state);
  });

  it('opens for a minute, then lets one try', () => {
    const all = outcomes('fffff');
    expect(stateOf(all, 63_999)).toBe('open: consecutive_failures');
    expect(stateOf(all, 64_000)).toBe('half_open: consecutive_failures');
  });

  it('closes with a success, and has forgotten what was before', () => {
    const all = [...outcomes('fffff'), ...outcomes('sffff', 70_000)];
    expect(stateOf(all, 80_000)).toBe('closed');
  });

  it('is opened again by a failed try, each time for twice as long, up to a quarter of an hour', () => {
    const all = outcomes('fffff');
    let untilMs = 64_000;
    for (const minutes of [2, 4, 8, 15, 15]) {
      all.push({ atMs: untilMs, kind: 'failed' });
      const breaker = breakerOf(all, untilMs);
      expect(breaker).toMatchObject({ state: 'open', untilMs: untilMs + minutes * 60_000 });
      untilMs += minutes * 60_000;
    }
  });

  it('is neither closed nor opened anew by an ambiguous try', () => {
    const all = [...outcomes('fffff'), { atMs: 70_000, kind: 'ambiguous' as const }];
    expect(stateOf(all, 70_000)).toBe('half_open: consecutive_failures');
  });

  it('does not open for longer because of what was under way when it opened', () => {
    const all = outcomes('ffffffff');
    expect(breakerOf(all, 10_000)).toMatchObject({ untilMs: 64_000 });
  });

  it('is the same in whatever order its outcomes are learnt', () => {
    const all = [...outcomes('sfaffsafffffasff'), ...outcomes('ffas', 200_000)];
    for (const nowMs of [16_000, 100_000, 203_000, 400_000])
      expect(breakerOf(all.toReversed(), nowMs)).toEqual(breakerOf(all, nowMs));
  });
});

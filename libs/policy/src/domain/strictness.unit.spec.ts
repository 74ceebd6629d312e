import type { Requirement, Verdict } from '@countersign/contracts';
import { describe, expect, it } from 'vitest';
import { asStrictAs, satisfiedBy } from './strictness.ts';

const NONE: Requirement = { kind: 'none' };
const windowOf = (windowMs: number, clearanceMs = 900): Requirement => ({
  kind: 'veto_window',
  windowMs,
  notifyWithinMs: 10,
  clearanceMs,
});
const quorumOf = (quorum: number, approvers: string[], clearanceMs = 900): Requirement => ({
  kind: 'quorum',
  quorum,
  approvers,
  timeoutMs: 600,
  clearanceMs,
});

function verdictOf(outcome: Verdict['outcome'], requirement: Requirement): Verdict {
  return {
    outcome,
    tier: null,
    prohibited: false,
    flags: [],
    requirement,
    maxLifetimeMs: 0,
    amountUnits: '1',
    reasons: ['within_policy'],
    trace: [],
  };
}

describe('a fresh verdict', () => {
  const review = (requirement: Requirement) => verdictOf('review', requirement);
  const twoOf = quorumOf(2, ['ada', 'bob', 'cyd']);
  const byTwo = { requirement: twoOf, grantedBy: ['ada', 'bob'] };
  const waited = { requirement: windowOf(60), grantedBy: [] };

  it.each([
    ['allows', verdictOf('allow', NONE), waited],
    [
      'allows where nothing was completed',
      verdictOf('allow', NONE),
      { requirement: NONE, grantedBy: [] },
    ],
    ['asks for the same window', review(windowOf(60)), waited],
    ['asks for a shorter window', review(windowOf(59)), waited],
    ['asks for the same quorum', review(twoOf), byTwo],
    ['asks for fewer people', review(quorumOf(1, ['bob'])), byTwo],
    ['asks for a window where people granted', review(windowOf(6000)), byTwo],
    ['still lists those who granted', review(quorumOf(2, ['bob', 'ada'])), byTwo],
    ['lets consent last longer', review(quorumOf(2, ['ada', 'bob'], 901)), byTwo],
  ])('is satisfied where it %s', (_, fresh, completed) => {
    expect(satisfiedBy(fresh, completed)).toBe(true);
  });

  it.each([
    ['denies', verdictOf('deny', NONE), byTwo],
    ['asks for a longer window', review(windowOf(61)), waited],
    ['asks people after a window', review(quorumOf(1, ['ada'])), waited],
    ['asks for more people', review(quorumOf(3, ['ada', 'bob', 'cyd'])), byTwo],
    ['no longer lists one who granted', review(quorumOf(2, ['ada', 'cyd', 'dan'])), byTwo],
    ['lets consent lapse sooner', review(quorumOf(2, ['ada', 'bob'], 899)), byTwo],
    [
      'asks where nothing was completed',
      review(windowOf(1)),
      { requirement: NONE, grantedBy: ['ada'] },
    ],
    ['counts one person twice', review(twoOf), { requirement: twoOf, grantedBy: ['ada', 'ada'] }],
    [
      'counts one who was not asked',
      review(twoOf),
      { requirement: twoOf, grantedBy: ['ada', 'eve'] },
    ],
    ['is a review that asks for nothing', review(NONE), byTwo],
    [
      'asks for a window where the quorum fell short',
      review(windowOf(1)),
      { ...byTwo, grantedBy: ['ada'] },
    ],
    [
      'asks one who granted without having been asked',
      review(quorumOf(1, ['eve'])),
      { requirement: twoOf, grantedBy: ['ada', 'bob', 'eve'] },
    ],
  ])('is not satisfied where it %s', (_, fresh, completed) => {
    expect(satisfiedBy(fresh, completed)).toBe(false);
  });
});

describe('a requirement', () => {
  it.each([
    [NONE, NONE, true],
    [NONE, windowOf(1), false],
    [windowOf(60), windowOf(60), true],
    [windowOf(59), windowOf(60), false],
    [windowOf(60), quorumOf(1, ['ada']), false],
    [quorumOf(1, ['ada']), windowOf(6000), true],
    [quorumOf(2, ['ada', 'bob']), quorumOf(1, ['ada']), true],
    [quorumOf(1, ['ada', 'bob']), quorumOf(1, ['ada']), false],
    [quorumOf(2, ['ada', 'bob', 'cyd']), quorumOf(1, ['ada', 'bob']), true],
    [quorumOf(1, ['eve']), quorumOf(1, ['ada']), false],
  ])('%j is as strict as %j: %s', (one, other, expected) => {
    expect(asStrictAs(one, other)).toBe(expected);
  });
});

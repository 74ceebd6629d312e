import { describe, expect, it } from 'vitest';
import { checkPolicy } from './check.ts';
import { policyOf } from './testing/case.ts';
import { times } from './testing/dice.ts';

const LIFETIME = { kind: 'lifetime' };
const budget = { id: 'b', scope: 'agent', window: LIFETIME, atMost: '1.00' };
const people = {
  kind: 'collaborative',
  quorum: 1,
  approvers: ['ada'],
  timeoutSeconds: 60,
  clearanceSeconds: 60,
};

describe('the check of a policy', () => {
  it.each<[string, object, string]>([
    [
      'a tier called treasury',
      { tiers: [{ name: 'treasury', kind: 'autonomous', when: { trust: 'any' } }] },
      'tiers.0.name',
    ],
    ['a budget called unknown', { budgets: [{ ...budget, id: 'unknown' }] }, 'budgets.0.id'],
    [
      'a prohibition called none',
      { prohibited: [{ id: 'none', when: { trust: 'any' } }] },
      'prohibited.0.id',
    ],
    [
      'a flag called prohibited',
      { flags: [{ id: 'prohibited', when: { trust: 'any' } }] },
      'flags.0.id',
    ],
    [
      'hours of no place',
      { flags: [{ id: 'f', when: { hours: [{ timeZone: 'Europe/Atlantis' }] } }] },
      'flags.0.when.hours',
    ],
    [
      'a calendar of no place',
      {
        budgets: [{ ...budget, window: { kind: 'calendar', unit: 'day', timeZone: 'Mars/Base' } }],
      },
      'budgets.0.window',
    ],
    [
      'more limits than are read',
      { budgets: times(251, (index) => ({ ...budget, id: `b${index}` })) },
      'budgets',
    ],
  ])('refuses %s', (_, change, path) => {
    expect(checkPolicy(policyOf(change)).faults.map((it) => it.path)).toEqual([path]);
  });

  it.each<[string, object[], string]>([
    [
      'a tier that nothing bounds',
      [{ name: 'free', kind: 'autonomous', when: { trust: 'any' } }],
      'tier free asks nobody, and no budget in USD bounds what it adds up to',
    ],
    [
      'a later tier that takes what a stricter one leaves',
      [
        {
          name: 'strict',
          ...people,
          when: { trust: 'any' },
          frequency: { atMost: 3, seconds: 60 },
        },
        { name: 'mild', kind: 'autonomous', when: { trust: 'known' }, budgets: [budget] },
      ],
      'tier mild asks less of people than strict before it, and takes what is beyond its limits',
    ],
    [
      'a tier that is never reached',
      [
        { name: 'all', ...people, when: { trust: 'known' } },
        { name: 'verified', ...people, when: { trust: 'verified' } },
      ],
      'tier verified is never reached: tier all takes all that it could',
    ],
  ])('warns of %s', (_, tiers, warning) => {
    expect(checkPolicy(policyOf({ tiers }))).toEqual({ faults: [], warnings: [warning] });
  });

  it('says nothing of a policy that says what it means', () => {
    const tiers = [
      { name: 'small', kind: 'autonomous', when: { amount: { atMost: '1.00' } } },
      { name: 'rest', ...people, when: { trust: 'known' } },
    ];
    expect(checkPolicy(policyOf({ tiers, budgets: [budget] }))).toEqual({
      faults: [],
      warnings: [],
    });
  });
});

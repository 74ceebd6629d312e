import { ASSET, NETWORK, TREASURY } from './cast.ts';
import type { Dice } from './dice.ts';

/** How much a policy lets through: 1 is the usual, less is tighter, more is looser. */
export interface Looseness {
  readonly amounts: number;
  readonly quorum: number;
  readonly again: boolean;
  /** How long what loosens waits; 0 for not at all. */
  readonly delaySeconds: number;
}

export function drawLooseness(dice: Dice): Looseness {
  return {
    amounts: dice.pick([0.25, 0.5, 1, 1, 2]),
    quorum: dice.pick([1, 2, 2, 3]),
    again: dice.chance(0.5),
    delaySeconds: dice.pick([0, 4, 4, 15]),
  };
}

const units = (amount: number) => amount.toFixed(2);

/** A policy with every kind of rule; budgets are small and windows short, so that runs reach their limits. */
export function policyText(
  { amounts, quorum, again, delaySeconds }: Looseness,
  remark: number,
): string {
  return JSON.stringify({
    format: 1,
    name: `policy-${remark}`,
    unit: { name: 'USD', assets: [ASSET] },
    treasury: { [NETWORK]: TREASURY },
    stream: { atMost: units(0.1) },
    authorization: { maxLifetimeSeconds: 40 },
    again,
    ...(delaySeconds > 0 && { loosening: { delaySeconds } }),
    prohibited: [
      { id: 'gambling', when: { categories: ['gambling'] } },
      { id: 'huge', when: { amount: { over: units(20) } } },
    ],
    tiers: [
      {
        name: 'autonomous',
        kind: 'autonomous',
        when: { amount: { atMost: units(0.2 * amounts) }, trust: 'any', priceWithinPercent: 50 },
        frequency: { atMost: 6, seconds: 30 },
      },
      {
        name: 'supervised',
        kind: 'supervised',
        when: { amount: { atMost: units(amounts) }, trust: 'any' },
        vetoWindowSeconds: 3,
        notifyWithinSeconds: 15,
        clearanceSeconds: 40,
        budgets: [
          {
            id: 'supervised-agent',
            scope: 'agent',
            window: rolling(120),
            atMost: units(4 * amounts),
          },
        ],
      },
      {
        name: 'collaborative',
        kind: 'collaborative',
        when: { amount: { atMost: units(8 * amounts) } },
        quorum,
        approvers: ['ann', 'bob', 'cat'],
        timeoutSeconds: 30,
        clearanceSeconds: 40,
      },
    ],
    budgets: [
      {
        id: 'agent-minute',
        scope: 'agent',
        window: rolling(60),
        atMost: units(5 * amounts),
        atMostCount: 14,
      },
      { id: 'seller-open', scope: 'seller', window: rolling(90), atMostCount: 12 },
      { id: 'tenant-hour', scope: 'tenant', window: rolling(600), atMost: units(40 * amounts) },
      {
        id: 'scout-life',
        scope: 'agent',
        window: { kind: 'lifetime' },
        atMost: units(300),
        only: ['scout'],
      },
      {
        id: 'news-day',
        scope: 'category',
        window: { kind: 'calendar', unit: 'day', timeZone: 'Asia/Kolkata' },
        atMost: units(200),
      },
      { id: 'stream', scope: 'stream', window: rolling(60), atMost: units(0.8 * amounts) },
      { id: 'one-payment', scope: 'tenant', window: { kind: 'payment' }, atMost: units(9) },
      {
        id: 'survey',
        scope: 'seller',
        window: rolling(60),
        atMost: units(3 * amounts),
        only: ['news'],
      },
    ],
    flags: [
      { id: 'night', when: { hours: [{ timeZone: 'Asia/Kolkata', from: '20:00', to: '06:00' }] } },
      { id: 'large', when: { amount: { over: units(2) } } },
    ],
  });
}

function rolling(seconds: number) {
  return { kind: 'rolling', seconds };
}

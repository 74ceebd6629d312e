import type {
  Budget,
  Conditions,
  Facts,
  Hours,
  Limit,
  PolicyDocument,
  Reading,
  ReservationAnswer,
  Tier,
} from '@countersign/contracts';
import { TaskPhase, pickTier } from '@countersign/contracts';
import type { Candidates, Plan } from '../plan.ts';
import { type Dice, chance, maybe, pick, some, times } from './dice.ts';

/** Few values of each kind, so that rules and payments meet often. */
export const SEPOLIA = 'eip155:84532';
export const USDC = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';
const BASE = 'eip155:8453';
const BASE_USDC = '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913';
const assetOf = (network: string, address: string) => `${network}/erc20:${address}`;
const ASSETS = [assetOf(SEPOLIA, USDC), assetOf(BASE, BASE_USDC), assetOf(SEPOLIA, BASE_USDC)];
const SELLERS = ['s0', 's1', 's2', 'unknown'];
const CATEGORIES = ['c0', 'c1', 'c2', 'unknown'];
const DOMAINS = ['d0.example', 'd1.example', 'd1.example:8443'];
const ROUTES = ['/a', '/a/b', '/c/', '/'];
const payeeOf = (digit: string) => `0x${digit.repeat(40)}`;
const PAYEES = ['a', 'b', 'c'].map(payeeOf);
const JURISDICTIONS = ['DE', 'US', 'unknown'];
const AGENTS = ['agent-0', 'agent-1'];
const TASKS = ['task-0', 'task-1'];
const SESSIONS = ['run-0', 'run-1'];
const ZONES = ['UTC', 'Asia/Kolkata', 'America/New_York'];
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const TIMES = ['00:00', '00:01', '09:30', '17:00', '23:59'];
const PEOPLE = ['ada', 'bob', 'cyd'];
const DECIMALS = ['0', '0.000001', '0.02', '0.1', '0.3', '1', '9999999999.999999'];
export const AMOUNTS = ['20000', '1', '100000', '100001', '300000', '1000000'];
const EXTREMES = ['0', '9007199254740991', '9007199254740992', (2n ** 256n - 1n).toString()];
/** The midnight with which 1 November 2026 began. */
const SUNDAY_MS = Date.UTC(2026, 10, 1);
const TRUSTS = ['unknown', 'known', 'verified'] as const;

function conditionsFrom(dice: Dice): Conditions {
  const when: Conditions = {
    ...maybe(dice, 5, () => ({ amount: amountFrom(dice) })),
    ...maybe(dice, 4, () => ({ categories: some(dice, CATEGORIES) })),
    ...maybe(dice, 5, () => ({ trust: pick(dice, [...TRUSTS, 'any'] as const) })),
    ...maybe(dice, 9, () => ({ trustIs: pick(dice, TRUSTS) })),
    ...maybe(dice, 6, () => ({ sellers: some(dice, SELLERS) })),
    ...maybe(dice, 6, () => ({ domains: some(dice, DOMAINS) })),
    ...maybe(dice, 8, () => ({ routes: some(dice, ROUTES) })),
    ...maybe(dice, 8, () => ({ payTo: some(dice, PAYEES) })),
    ...maybe(dice, 9, () => ({ networks: some(dice, [SEPOLIA, BASE]) })),
    ...maybe(dice, 9, () => ({ assets: some(dice, ASSETS) })),
    ...maybe(dice, 8, () => ({ jurisdictions: some(dice, JURISDICTIONS) })),
    ...maybe(dice, 8, () => ({ agents: some(dice, AGENTS) })),
    ...maybe(dice, 8, () => ({ task: taskFrom(dice) })),
    ...maybe(dice, 8, () => ({ priceWithinPercent: pick(dice, [0, 10, 100]) })),
    ...maybe(dice, 9, () => ({ hours: times(1 + dice.roll(2), () => hoursFrom(dice)) })),
    ...maybe(dice, 10, () => ({ stream: chance(dice, 2) })),
  };
  return Object.keys(when).length > 0 ? when : { networks: [SEPOLIA] };
}

function taskFrom(dice: Dice): NonNullable<Conditions['task']> {
  const stands = {
    ...maybe(dice, 2, () => ({ phase: some(dice, TaskPhase.options) })),
    ...maybe(dice, 2, () => ({ planCommitted: chance(dice, 2) })),
  };
  return Object.keys(stands).length > 0 ? stands : { planCommitted: true };
}

function hoursFrom(dice: Dice): Hours {
  const from = pick(dice, TIMES);
  const to = pick(dice, [...TIMES, '24:00']);
  return {
    timeZone: pick(dice, ZONES),
    ...maybe(dice, 2, () => ({ days: some(dice, DAYS) })),
    from,
    to: to === from ? '12:00' : to,
  };
}

function amountFrom(dice: Dice): { atMost?: string; over?: string } {
  const ends = {
    ...maybe(dice, 2, () => ({ atMost: pick(dice, DECIMALS) })),
    ...maybe(dice, 3, () => ({ over: pick(dice, DECIMALS) })),
  };
  return Object.keys(ends).length > 0 ? ends : { atMost: '0.1' };
}

function budgetFrom(dice: Dice, id: string): Budget {
  const scope = pick(dice, [
    ...(['agent', 'seller', 'tenant', 'task', 'agent', 'seller', 'tenant'] as const),
    ...(['session', 'category', 'stream'] as const),
  ]);
  const names = {
    ...{ agent: AGENTS, tenant: AGENTS, stream: AGENTS },
    ...{ seller: SELLERS, task: TASKS, session: SESSIONS, category: CATEGORIES },
  }[scope];
  const counts = chance(dice, 3);
  return {
    id,
    scope,
    window: pick(dice, [
      { kind: 'rolling', seconds: 86_400 },
      { kind: 'payment' },
      { kind: 'lifetime' },
      { kind: 'calendar', unit: 'week', timeZone: 'Asia/Kolkata' },
    ] as const),
    ...(counts && { atMostCount: 1 + dice.roll(3) }),
    ...((!counts || chance(dice, 2)) && { atMost: pick(dice, DECIMALS) }),
    ...maybe(dice, 4, () => ({ only: some(dice, names) })),
    ...maybe(dice, 3, () => ({ alternative: `instead of ${id}` })),
  };
}

function tierFrom(dice: Dice, index: number): Tier {
  const name = `t${index}`;
  const base = {
    name,
    when: conditionsFrom(dice),
    ...maybe(dice, 4, () => ({ frequency: { atMost: 1 + dice.roll(3), seconds: 3600 } })),
    ...maybe(dice, 3, () => ({
      budgets: times(1 + dice.roll(2), (it) => budgetFrom(dice, `${name}-b${it}`)),
    })),
    ...maybe(dice, 4, () => ({ alternative: `instead of ${name}` })),
    ...maybe(dice, 5, () => ({ audit: { depth: pick(dice, ['full', 'decisive'] as const) } })),
  };
  const clearanceSeconds = pick(dice, [60, 600]);
  switch (dice.roll(3)) {
    case 1: {
      const vetoWindowSeconds = pick(dice, [60, 600]);
      const notifyWithinSeconds = 30;
      return {
        ...base,
        kind: 'supervised',
        vetoWindowSeconds,
        notifyWithinSeconds,
        clearanceSeconds,
      };
    }
    case 2: {
      const approvers = some(dice, PEOPLE);
      const quorum = 1 + dice.roll(approvers.length);
      return {
        ...base,
        kind: 'collaborative',
        quorum,
        approvers,
        timeoutSeconds: 600,
        clearanceSeconds,
      };
    }
    default:
      return { ...base, kind: 'autonomous' };
  }
}

/** A policy as its schema would return it. */
export function policyFrom(dice: Dice): PolicyDocument {
  return {
    format: 1,
    name: 'generated',
    unit: { name: 'USD', assets: chance(dice, 6) ? ASSETS.slice(0, 1) : ASSETS },
    ...maybe(dice, 2, () => ({ treasury: { [SEPOLIA]: payeeOf('a') } })),
    stream: { atMost: pick(dice, ['0.02', '0.1', '0']) },
    authorization: { maxLifetimeSeconds: 60 },
    again: chance(dice, 2),
    prohibited: times(pick(dice, [0, 0, 1, 2, 20]), (index) => ({
      id: `p${index}`,
      when: dice.roll(3) === 0 ? conditionsFrom(dice) : { sellers: [`nobody-${index}`] },
      ...maybe(dice, 3, () => ({ alternative: `instead of p${index}` })),
    })),
    tiers: times(pick(dice, [2, 3, 4, 1, 0, 24]), (index) => tierFrom(dice, index)),
    budgets: times(dice.roll(4), (index) => budgetFrom(dice, `b${index}`)),
    flags: times(pick(dice, [0, 1, 3, 20]), (index) => ({
      id: `f${index}`,
      when: conditionsFrom(dice),
    })),
    ...maybe(dice, 3, () => ({ alternative: 'instead' })),
  };
}

/** Facts as a hostile bus may bring them: of the right form, and of any meaning. */
export function factsFrom(dice: Dice): Facts {
  const seller = pick(dice, SELLERS);
  const registered = seller !== 'unknown' && !chance(dice, 12);
  const network = chance(dice, 8) ? BASE : SEPOLIA;
  return {
    atMs: SUNDAY_MS + dice.roll(7 * 1440) * 60_000,
    tenant: 'default',
    agent: pick(dice, AGENTS),
    kind: chance(dice, 12) ? 'withdrawal' : 'payment',
    quote: {
      scheme: chance(dice, 40) ? 'upto' : 'exact',
      network,
      asset: chance(dice, 30) ? payeeOf('c') : network === BASE ? BASE_USDC : USDC,
      amount: chance(dice, 8) ? pick(dice, EXTREMES) : pick(dice, AMOUNTS),
      payTo: pick(dice, PAYEES),
      maxTimeoutSeconds: 60,
    },
    resource: { method: 'GET', url: 'https://d0.example/a' },
    again: chance(dice, 12),
    established: {
      seller,
      payee: registered
        ? 'registered'
        : pick(dice, ['unknown', 'unknown', 'mismatch', 'lookalike']),
      domain: pick(dice, [...DOMAINS, 'd0.example.', 'D0.example', 'd0.example:9', '', '\ud800']),
      route: pick(dice, ['/a', '/a/b/c', '/ab', '/c', '/%61', '/x/..%2fa', '/A//b', '', '\udc00']),
      category: pick(dice, [...CATEGORIES, 'C0', '']),
      trust: pick(dice, TRUSTS),
      jurisdiction: pick(dice, [...JURISDICTIONS, 'de', '']),
      ...maybe(dice, 2, () => ({ expectedAmount: pick(dice, ['20000', '19000', '1', '0']) })),
      task: pick(dice, [...TASKS, 'none', 'unknown']),
      ...maybe(dice, 3, () => ({ taskTerms: taskTermsFrom(dice) })),
      ...maybe(dice, 2, () => sessionFrom(dice)),
      ...maybe(dice, 2, () => ({ inStream: chance(dice, 2) })),
      ...maybe(dice, 2, () => ({ utcOffsets: { UTC: 0, 'Asia/Kolkata': 330 } })),
      frozen: chance(dice, 40),
      wallet: chance(dice, 40) ? null : { id: 'w', address: payeeOf('b') },
      ...maybe(dice, 2, () => ({ unpayable: pick(dice, UNPAYABLE) })),
    },
    asserted: assertedFrom(dice),
  };
}

const UNPAYABLE = [
  'wallet_kind_not_taken',
  'wallet_not_deployed',
  'wallet_rotating',
  'wallet_revoked',
] as const;

function taskTermsFrom(dice: Dice): NonNullable<Facts['established']['taskTerms']> {
  return {
    phase: pick(dice, ['executing', 'executing', 'planned', 'exploring', 'done']),
    planCommitted: chance(dice, 2),
    unit: chance(dice, 12) ? 'EUR' : 'USD',
    ...maybe(dice, 2, () => ({ ceiling: pick(dice, ['100000', '1000000', EXTREMES[2]!]) })),
    ...maybe(dice, 2, () => ({ stopAt: pick(dice, ['300000', '20000']) })),
    reported: pick(dice, ['0', '0', '80000', '100000', '999999']),
  };
}

function sessionFrom(dice: Dice): Partial<Facts['established']> {
  return {
    session: pick(dice, [
      ...SESSIONS,
      ...SESSIONS,
      ...SESSIONS,
      'none',
      'unknown',
      'expired',
      'closed',
    ]),
    ...maybe(dice, 2, () => ({ sessionUnit: chance(dice, 12) ? 'EUR' : 'USD' })),
    ...maybe(dice, 2, () => ({ sessionCeiling: pick(dice, EXTREMES.concat('300000')) })),
  };
}

/** Facts of a payment that nothing stands against but the policy. */
export function plainFactsFrom(dice: Dice): Facts {
  const { established, quote, ...facts } = factsFrom(dice);
  return {
    ...facts,
    kind: 'payment',
    again: false,
    quote: {
      ...quote,
      scheme: 'exact',
      network: SEPOLIA,
      asset: USDC,
      amount: pick(dice, AMOUNTS),
    },
    established: {
      ...established,
      seller: pick(dice, SELLERS.slice(0, 3)),
      payee: 'registered',
      category: pick(dice, CATEGORIES.slice(0, 3)),
      domain: pick(dice, DOMAINS),
      route: pick(dice, ['/a', '/a/b', '/c', '/d']),
      frozen: false,
      wallet: { id: 'w', address: payeeOf('b') },
    },
  };
}

/** A policy that lets more through: without prohibitions, its tiers mostly told apart by category and price. */
export function openPolicyFrom(dice: Dice): PolicyDocument {
  const policy = policyFrom(dice);
  return {
    ...policy,
    prohibited: [],
    budgets: policy.budgets.slice(0, dice.roll(3)),
    tiers: times(2 + dice.roll(4), (index) => {
      const tier = tierFrom(dice, index);
      const byKind = pick<Conditions>(dice, [
        { categories: some(dice, CATEGORIES) },
        { priceWithinPercent: pick(dice, [0, 10, 100]) },
        { domains: some(dice, DOMAINS), routes: some(dice, ROUTES) },
        { amount: { atMost: pick(dice, DECIMALS) } },
      ]);
      return { ...tier, when: chance(dice, 4) ? tier.when : byKind };
    }),
  };
}

export function assertedFrom(dice: Dice): Facts['asserted'] {
  return {
    ...maybe(dice, 2, () => ({ category: pick(dice, CATEGORIES) })),
    ...maybe(dice, 2, () => ({ expectedAmount: pick(dice, ['1', '20000', '999999999', '0']) })),
    ...maybe(dice, 2, () => ({ task: pick(dice, TASKS) })),
  };
}

/** An answer of a store in any state: mostly true to its readings, sometimes lying or incomplete. */
export function answerFrom(dice: Dice, plan: Candidates): ReservationAnswer {
  const limits = [...plan.always, ...plan.tiers.flatMap((tier) => tier.limits)];
  const readings = readingsFrom(dice, limits).map((it) => ({
    ...it,
    scope: chance(dice, 60) ? 'agent:someone-else' : it.scope,
  }));
  if (readings.length > 0 && chance(dice, 15)) readings.splice(dice.roll(readings.length), 1);
  if (chance(dice, 30)) readings.push(...readings.slice(0, 1).map((it) => ({ ...it, open: '0' })));
  const byId = new Map(readings.map((reading) => [reading.limitId, reading]));
  const tier = pickTier(plan, byId, plan.amount);
  return {
    epoch: 1,
    sequence: 1,
    atMs: 1,
    tier: chance(dice, 30) ? pick(dice, ['t0', 'treasury', null]) : tier,
    readings,
  };
}

/** One true reading of each limit. */
export function readingsFrom(dice: Dice, limits: readonly Limit[]): Reading[] {
  return limits.map(({ id, scope }) => ({
    limitId: id,
    scope,
    committed: pick(dice, ['0', '0', '0', '20000', '200000', '200001']),
    open: pick(dice, ['0', '0', '100000']),
    committedCount: pick(dice, [0, 0, 1]),
    openCount: pick(dice, [0, 0, 1]),
  }));
}

/** What every counter holds; the same whoever asks, as in a store at one moment. */
export type Counters = (limit: Limit) => Reading;

export function countersFrom(dice: Dice): Counters {
  const known = new Map<string, Reading>();
  const empty = chance(dice, 3);
  return ({ id, scope }) => {
    const reading = known.get(id) ?? {
      limitId: id,
      scope,
      committed: empty ? '0' : pick(dice, ['0', '20000', '200000', '200001']),
      open: empty ? '0' : pick(dice, ['0', '0', '100000']),
      committedCount: empty ? 0 : dice.roll(3),
      openCount: 0,
    };
    known.set(id, reading);
    return reading;
  };
}

/** The answer of an honest store; none where the plan asks for none. */
export function answerOf(plan: Plan, counters: Counters): ReservationAnswer | null {
  if (plan.kind === 'denied') return null;
  const limits = [...plan.always, ...plan.tiers.flatMap((tier) => tier.limits)];
  const readings = limits.map(counters);
  const byId = new Map(readings.map((reading) => [reading.limitId, reading]));
  return { epoch: 1, sequence: 1, atMs: 1, tier: pickTier(plan, byId, plan.amount), readings };
}

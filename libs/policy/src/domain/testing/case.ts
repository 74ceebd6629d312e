import {
  type Conditions,
  Facts,
  PolicyDocument,
  type Reading,
  type ReservationAnswer,
  pickTier,
} from '@countersign/contracts';
import { type CompiledPolicy, compilePolicy } from '../compile.ts';
import type { Plan } from '../plan.ts';

export const USDC_ID = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e';
export const PAYEE = `0x${'5'.repeat(40)}`;

/** A policy that allows everything, save what the case changes. */
export function policyOf(change: object = {}): PolicyDocument {
  return PolicyDocument.parse({
    format: 1,
    name: 'case',
    unit: { name: 'USD', assets: [USDC_ID] },
    authorization: { maxLifetimeSeconds: 60 },
    again: false,
    prohibited: [],
    tiers: [{ name: 'anything', kind: 'autonomous', when: { trust: 'unknown' } }],
    budgets: [],
    flags: [],
    ...change,
  });
}

/** A policy of one tier, with the conditions to try. */
export function permitting(when: Conditions): PolicyDocument {
  return policyOf({ tiers: [{ name: 'tried', kind: 'autonomous', when }] });
}

/** A policy that allows everything but what meets the conditions to try. */
export function prohibiting(when: Conditions): PolicyDocument {
  return policyOf({ prohibited: [{ id: 'tried', when }] });
}

export function compiled(document: PolicyDocument): CompiledPolicy {
  return compilePolicy(document, { version: 1, hash: '0'.repeat(64) });
}

export interface FactsChange {
  readonly quote?: Partial<Facts['quote']>;
  readonly established?: Partial<Facts['established']>;
  readonly asserted?: Facts['asserted'];
  readonly agent?: string;
  readonly kind?: Facts['kind'];
  readonly again?: boolean;
}

/** A payment of 0.02 USDC to a known seller, save what the case changes. */
export function factsOf({ quote, established, ...change }: FactsChange = {}): Facts {
  return Facts.parse({
    atMs: 1,
    tenant: 'default',
    agent: 'research-1',
    kind: 'payment',
    quote: {
      scheme: 'exact',
      network: 'eip155:84532',
      asset: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
      amount: '20000',
      payTo: PAYEE,
      maxTimeoutSeconds: 60,
      ...quote,
    },
    resource: { method: 'GET', url: 'https://api.example.com/v1/embeddings' },
    again: false,
    established: {
      seller: 'embeddings',
      payee: 'registered',
      domain: 'api.example.com',
      route: '/v1/embeddings',
      category: 'data',
      trust: 'known',
      jurisdiction: 'DE',
      task: 'none',
      frozen: false,
      wallet: { id: 'main', address: `0x${'2'.repeat(40)}` },
      ...established,
    },
    asserted: {},
    ...change,
  });
}

/** The answer of a store whose counters hold nothing but what is given, by limit id. */
export function answering(
  plan: Plan,
  held: Record<string, Partial<Reading>> = {},
): ReservationAnswer | null {
  if (plan.kind === 'denied') return null;
  const limits = [...plan.always, ...plan.tiers.flatMap((tier) => tier.limits)];
  const readings = limits.map(({ id, scope }) => ({
    limitId: id,
    scope,
    committed: '0',
    open: '0',
    committedCount: 0,
    openCount: 0,
    ...held[id],
  }));
  const byId = new Map(readings.map((reading) => [reading.limitId, reading]));
  return { epoch: 1, sequence: 1, atMs: 1, tier: pickTier(plan, byId, plan.amount), readings };
}

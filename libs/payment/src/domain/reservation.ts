import { type Decision, type Facts, isName } from '@countersign/contracts';
import type { Payment, Reservation } from './payment.ts';

/** The counters that facts put a payment in, whatever the policy: a budget made later finds the past counted. */
export interface CounterNames {
  readonly tenant: string;
  readonly agent: string;
  readonly seller: string;
  readonly category: string;
  /** Undefined where no task is established. */
  readonly task: string | undefined;
  /** Undefined where no open session is established. */
  readonly session: string | undefined;
  /** Undefined where the payment is not part of a stream. */
  readonly stream: string | undefined;
}

/** The facts that counters are named by. */
export type CountedFacts = Pick<Facts, 'tenant' | 'agent'> & {
  readonly established: Pick<
    Facts['established'],
    'seller' | 'category' | 'task' | 'session' | 'inStream'
  >;
};

/** A category without its proper form counts as unknown. */
export function categoryOf({ established: { category } }: CountedFacts): string {
  return isName(category) ? category : 'unknown';
}

/** The counter of one task of an agent. */
export function taskScopeOf(agent: string, task: string): string {
  return `task:${agent}/${task}`;
}

/** The counter of one session of an agent. */
export function sessionScopeOf(agent: string, session: string): string {
  return `session:${agent}/${session}`;
}

const NO_SESSION = new Set(['none', 'unknown', 'expired', 'closed']);

/** @param categoryName where the caller has asked for it already */
export function countersOf(
  facts: CountedFacts,
  categoryName: string = categoryOf(facts),
): CounterNames {
  const { tenant, agent, established } = facts;
  const { seller, task, session, inStream } = established;
  return {
    tenant: `tenant:${tenant}`,
    agent: `agent:${agent}`,
    seller: `seller:${seller}`,
    category: `category:${categoryName}`,
    task: task === 'none' || task === 'unknown' ? undefined : taskScopeOf(agent, task),
    session:
      session === undefined || NO_SESSION.has(session) ? undefined : sessionScopeOf(agent, session),
    stream: inStream ? `stream:${agent}/${seller}` : undefined,
  };
}

/** Every counter of {@link countersOf}; none for a withdrawal, which no budget counts. */
export function scopesOf(facts: Facts, counters: CounterNames = countersOf(facts)): string[] {
  if (facts.kind === 'withdrawal') return [];
  const { tenant, agent, seller, category, task, session, stream } = counters;
  const scopes = [tenant, agent, seller, category];
  for (const named of [task, session, stream]) if (named !== undefined) scopes.push(named);
  return scopes;
}

/** The counter of one agent's payments in one tier. */
export function tierScopeOf({ kind, agent }: Pick<Facts, 'kind' | 'agent'>, tier: string): string {
  return kind === 'withdrawal' ? `withdrawals:${agent}` : `tier:${agent}/${tier}`;
}

/** What a decision reserved; null when it reserved nothing, as a denial does. */
export function reservationOf({ facts, answer, verdict }: Decision): Reservation | null {
  if (answer === null || answer.tier === null) return null;
  return {
    amount: facts.kind === 'withdrawal' ? '0' : verdict.amountUnits,
    scopes: [...scopesOf(facts), tierScopeOf(facts, answer.tier)],
    atMs: answer.atMs,
  };
}

/** What one payment means to the counters: it holds, has spent, or is barred from ever holding anything again. */
export type Booked =
  | {
      readonly state: 'open';
      readonly paymentId: string;
      readonly amount: bigint;
      readonly scopes: readonly string[];
    }
  | {
      readonly state: 'committed';
      readonly paymentId: string;
      readonly amount: bigint;
      readonly scopes: readonly string[];
      readonly spentAtMs: number;
    }
  | { readonly state: 'released'; readonly paymentId: string };

/**
 * The payment as the counters must have it. Its end counts as soon as it stands in the log, whether or not a store was
 * told; null before anything was reserved for it.
 */
export function bookedOf({ id: paymentId, phase, reserved }: Payment): Booked | null {
  const holding = reserved && { amount: BigInt(reserved.amount), scopes: reserved.scopes };
  if (phase.status !== 'ended') return holding && { state: 'open', paymentId, ...holding };
  if (phase.how !== 'settled' || !holding) return { state: 'released', paymentId };
  return { state: 'committed', paymentId, ...holding, spentAtMs: phase.spentAtMs ?? phase.atMs };
}

import type { Limit, ReservationAnswer } from '@countersign/contracts';
import type { Attempt, Book, Budgets, ReserveRequest, ReserveResult } from '../budgets.ts';
import type { EventLogFactory, SetClock } from './event-log.contract.ts';

/** One store, made for one test. */
export interface BudgetsUnderTest {
  readonly budgets: Budgets;
  /** Closes the store and opens it again. For `durable` adapters. */
  reopen(): Promise<Budgets>;
  dispose(): Promise<void>;
}

export interface BudgetsFactory {
  readonly capabilities: EventLogFactory['capabilities'];
  /** Makes a new, empty store. */
  create(clock: SetClock): Promise<BudgetsUnderTest>;
}

export interface Fixtures {
  readonly clock: SetClock;
  readonly subject: BudgetsUnderTest;
  readonly budgets: Budgets;
}

export type Plan = Partial<ReserveRequest & Attempt>;

/** The book of the tenant nearly all is about, and that of another. */
export const BOOK: Book = { tenant: 'acme', epoch: 7 };
export const OTHER: Book = { tenant: 'other', epoch: 7 };
export const AGENT = 'agent:a';
export const DAY_S = 86_400;
export const LIFETIME = { kind: 'lifetime' } as const;
export const rolling = (seconds: number) => ({ kind: 'rolling', seconds }) as const;
export const limit = (id: string, is: Partial<Limit>) => ({
  id,
  scope: AGENT,
  window: LIFETIME,
  ...is,
});
export const tier = (name: string, ...limits: Limit[]) => ({
  name,
  scope: `tier:a:${name}`,
  limits,
});
export const under = (atMost: number, window: Limit['window'] = LIFETIME) => ({
  always: [limit('l', { atMost: String(atMost), window })],
});

/** A request of tenant `acme` that counts for its agent and knows the one tier `auto`. */
export function ask(paymentId: string, amount: bigint | number, plan: Plan = {}): ReserveRequest {
  const { round = 0, through = 0, ...rest } = plan;
  return {
    ...BOOK,
    paymentId,
    attempt: { round, through },
    amount: BigInt(amount),
    scopes: [AGENT],
    always: [],
    tiers: [tier('auto')],
    inputs: `{"payment":"${paymentId}","round":${round}}`,
    ...rest,
  };
}

/** The tier taken, null for a no, or why there was no answer. */
export const tierOf = (it: ReserveResult) => (it.kind === 'answered' ? it.answer.tier : it.kind);

export function answerOf(result: ReserveResult) {
  if (result.kind !== 'answered') throw new Error(`${result.kind} instead of an answer`);
  return result.answer;
}

/** A later epoch outranks any sequence of an earlier one. */
export const rankOf = (answer: ReservationAnswer) => answer.epoch * 1e6 + answer.sequence;

/** Reserves for p1, p2, … one after the other. */
export async function series(budgets: Budgets, amounts: readonly number[], plan: Plan) {
  const taken: unknown[] = [];
  for (const [at, amount] of amounts.entries())
    taken.push(tierOf(await budgets.reserve(ask(`p${at + 1}`, amount, plan))));
  return taken;
}

export const NOTHING = ['0', '0', 0, 0];
export const holds = async (budgets: Budgets, most: Partial<Limit> = {}) => {
  const [reading] = await budgets.read(BOOK, [limit('now', most)]);
  return reading && [reading.committed, reading.open, reading.committedCount, reading.openCount];
};

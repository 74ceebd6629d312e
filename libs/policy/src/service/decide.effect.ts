import { Facts, type Decision } from '@countersign/contracts';
import { Fault, canonicalText } from '@countersign/kernel';
import { type Payment, SKEW_MAX_MS, tenantOf } from '@countersign/payment';
import type { Budgets, Clock, StatementKey } from '@countersign/ports';
import { type Effect, type LaneHost, factsOf, signStatement } from '@countersign/service-kit';
import {
  RULES_VERSION,
  concludeDecision,
  planDecision,
  satisfiedBy,
  withPolicyFacts,
} from '../index.ts';
import type { PolicyCache } from './policy-cache.ts';
import { toldAvailable } from './told-available.ts';

export interface DecideParts {
  readonly host: LaneHost;
  readonly budgets: Budgets;
  readonly key: StatementKey;
  readonly policies: PolicyCache;
  readonly clock: Clock;
}

/**
 * Decides a payment: facts from the fold, one atomic reservation over every budget, the verdict, its record. The store
 * keeps the first answer, so a decision cut short between reservation and record is completed, not made anew. What is
 * denied before the counters reserves nothing, and reads them for what is still available.
 *
 * The effect fails with the Fault `clock_skew` while the store's clock is too far ahead of the log's.
 */
export function decideEffect(parts: DecideParts): Effect {
  return async (payment) => {
    const { host, budgets, policies } = parts;
    const lane = host.laneFor(payment.tenant, payment.agent);
    const view = tenantOf(lane.view, payment.tenant);
    const { through } = lane;
    const known = policies.policy(view.active);
    const policy = known && known.compiled;
    let facts = factsOf(host, payment);
    if (known) facts = withPolicyFacts(facts, known.document);
    let plan = planDecision(policy, facts);
    let answer: Decision['answer'] = null;
    let readings: Decision['readings'];
    const book = { tenant: payment.tenant, epoch: view.epoch };
    if (plan.kind === 'candidates') {
      const inputs = canonicalText(facts);
      const result = await budgets.reserve({
        ...book,
        paymentId: payment.id,
        attempt: { round: payment.round, through },
        amount: plan.amount,
        scopes: plan.scopes,
        always: plan.always,
        tiers: plan.tiers,
        inputs,
      });
      if (result.kind !== 'answered') return { againAfterMs: 100 };
      ({ answer } = result);
      checkClock(parts, answer.atMs);
      if (result.inputs !== inputs) {
        // The decision is the one that was answered first, on the facts it was asked with.
        facts = Facts.parse(JSON.parse(result.inputs));
        plan = planDecision(policy, facts);
      }
    } else {
      ({ plan, readings } = await toldAvailable({ budgets, book }, plan, payment.reserved));
    }
    const verdict = concludeDecision(policy, facts, plan, answer);
    const { tenant, agent, id: paymentId, round } = payment;
    const active = view.active && { version: view.active.version, hash: view.active.hash };
    const data = await signStatement(
      parts.key,
      'decision.made',
      {
        tenant,
        agent,
        paymentId,
        round,
        through,
        decision: {
          policy: active,
          facts,
          answer,
          ...(readings && { readings }),
          verdict,
          rules: RULES_VERSION,
        },
        proceed: proceedWith(payment, verdict),
      },
      payment.quoteRecordId,
    );
    await host.append('decision.made', data, { cause: payment.quoteRecordId });
    return { againAfterMs: 50 };
  };
}

/**
 * A store whose clock is ahead has dropped from its windows what is still in them, so nothing is decided on its readings.
 * The log's time is the newest of any lane, as a book's clock begins there; where all lanes were quiet, ours is newer.
 */
function checkClock({ host, clock }: DecideParts, atMs: number): void {
  const knownMs = Math.max(clock.nowMs(), ...host.lanes.map((lane) => lane.atMs));
  if (atMs > knownMs + SKEW_MAX_MS)
    throw new Fault('clock_skew', 'the clock of the budget store is more than 30 s ahead', {
      retryable: true,
    });
}

/** After a wait the stricter outcome wins: a claim goes on only where no more is asked than people have given. */
function proceedWith(payment: Payment, verdict: Decision['verdict']): 'authorize' | 'ask' | 'end' {
  if (verdict.outcome === 'deny') return 'end';
  if (verdict.outcome === 'allow') return 'authorize';
  const { phase } = payment;
  const completed = phase.status === 'undecided' ? phase.completed : null;
  if (!completed) return 'ask';
  const { requirement, grants } = completed;
  const grantedBy = grants.map((grant) => grant.person);
  return satisfiedBy(verdict, { requirement, grantedBy }) ? 'authorize' : 'ask';
}

import {
  type Life,
  type LifeContext,
  type LifeJudgement,
  accept,
  ended,
  ignore,
  inPhase,
  stopped,
} from './life-steps.ts';
import {
  type Completed,
  type Payment,
  type PhaseOf,
  approvalDueMs,
  approvalMet,
  fixedOf,
} from './payment.ts';

/** What people said, and the end of what they were asked. */
export function asked(
  payment: Payment,
  event: Life<`approval.${'opened' | 'granted' | 'vetoed' | 'completed' | 'expired'}`>,
  context: LifeContext,
): LifeJudgement {
  const { phase } = payment;
  if (event.name === 'approval.vetoed') return vetoed(payment, context);
  if (phase.status === 'ended') return ignore('already_ended');
  if (phase.status === 'cleared' && event.name === 'approval.expired') {
    if (event.data.cause !== 'unclaimed') return ignore('not_waiting');
    return context.atMs < phase.untilMs
      ? ignore('too_early')
      : accept(ended(payment, 'expired', context.atMs, 'unclaimed'));
  }
  if (phase.status !== 'awaiting') return ignore('not_waiting');
  const { approval } = phase;
  const due = context.atMs >= approvalDueMs(approval);
  switch (event.name) {
    case 'approval.opened':
      if (event.data.round !== payment.round) return ignore('wrong_round');
      if (approval.openedAtMs !== null) return ignore('duplicate');
      if (due) return ignore('too_late');
      return accept(
        inPhase(payment, { ...phase, approval: { ...approval, openedAtMs: context.atMs } }),
      );
    case 'approval.granted':
      return granted(payment, phase, event.data, context);
    case 'approval.completed': {
      if (event.data.round !== payment.round) return ignore('wrong_round');
      if (!approvalMet(approval, context.atMs)) return ignore('too_early');
      const completed: Completed = { ...approval, completedAtMs: context.atMs };
      const untilMs = context.atMs + approval.requirement.clearanceMs;
      return accept(
        inPhase(payment, { status: 'cleared', decision: phase.decision, completed, untilMs }),
      );
    }
    case 'approval.expired': {
      if (!due || approvalMet(approval, context.atMs)) return ignore('too_early');
      const cause = approval.requirement.kind === 'quorum' ? 'unanswered' : 'not_notified';
      return accept(ended(payment, 'expired', context.atMs, cause));
    }
  }
}

function granted(
  payment: Payment,
  phase: PhaseOf<'awaiting'>,
  data: Life<'approval.granted'>['data'],
  context: LifeContext,
): LifeJudgement {
  const { approval } = phase;
  if (approval.requirement.kind !== 'quorum') return ignore('not_waiting');
  if (!approval.requirement.approvers.includes(data.person)) return ignore('not_an_approver');
  // A grant at or after the time-out is refused even if no expiry record came yet.
  if (context.atMs >= approvalDueMs(approval)) return ignore('too_late');
  if (data.quoteDigest !== approval.quoteDigest || data.decisionId !== approval.decisionId)
    return ignore('wrong_digest');
  // Quorum counts people, not clicks.
  if (approval.grants.some((grant) => grant.person === data.person))
    return ignore('already_granted');
  const grants = [...approval.grants, { person: data.person, atMs: context.atMs }];
  return accept(inPhase(payment, { ...phase, approval: { ...approval, grants } }));
}

function vetoed(payment: Payment, context: LifeContext): LifeJudgement {
  if (payment.phase.status === 'ended') return ignore('already_ended');
  const fixed = fixedOf(payment);
  if (!fixed) return accept(ended(payment, 'vetoed', context.atMs, null));
  return fixed.stop === null ? accept(stopped(payment, 'vetoed')) : ignore('duplicate');
}

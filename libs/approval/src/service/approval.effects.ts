import type { Approval, Payment } from '@countersign/payment';
import type { Notifier, StatementKey } from '@countersign/ports';
import {
  type Effect,
  type EffectResult,
  type Effects,
  type LaneHost,
  type ReadBack,
  factsOf,
  signStatement,
  viewOf,
} from '@countersign/service-kit';
import { shownFacts } from '../domain/question.ts';

export interface ApprovalEffectParts {
  readonly host: LaneHost;
  readonly key: StatementKey;
  readonly notifier: Notifier;
  /** Where people open our page, such as `http://127.0.0.1:4020/approve`. */
  readonly pageUrl: string;
}

/** What approval owes: telling people, and recording that what was asked of them is complete or over. */
export function approvalEffects(parts: ApprovalEffectParts): Effects {
  return { notify: notify(parts), complete: complete(parts), expire: expire(parts) };
}

/** The veto window opens only when somebody took responsibility for the message. */
function notify({ host, key, notifier, pageUrl }: ApprovalEffectParts): Effect {
  return async (payment) => {
    const { phase, tenant, agent, id: paymentId, round } = payment;
    if (phase.status !== 'awaiting') return;
    const { approval } = phase;
    const view = viewOf(host, payment, { bearer: false });
    await notifier.notify({
      id: approval.decisionId,
      kind: approval.requirement.kind === 'quorum' ? 'approval_wanted' : 'veto_window',
      tenant,
      paymentId,
      title: titleOf(payment, approval, view.amount),
      facts: shownFacts(view, factsOf(host, payment)),
      link: `${pageUrl}#${paymentId}`,
    });
    const cause = approval.decisionId;
    const data = await signStatement(
      key,
      'approval.opened',
      { tenant, agent, paymentId, round },
      cause,
    );
    await host.append('approval.opened', data, { cause });
  };
}

function titleOf({ agent }: Payment, { requirement }: Approval, amount: string): string {
  return requirement.kind === 'quorum'
    ? `${agent} wants to pay ${amount}: ${requirement.quorum} of ${requirement.approvers.length} must grant it`
    : `${agent} pays ${amount} unless vetoed within ${requirement.windowMs / 1000} s`;
}

function complete({ host }: ApprovalEffectParts): Effect {
  return async ({ phase, tenant, agent, id: paymentId, round }) => {
    if (phase.status !== 'awaiting') return;
    const cause = phase.approval.decisionId;
    const about = { tenant, agent, paymentId, round };
    return unlessEarly(await host.append('approval.completed', about, { cause }));
  };
}

function expire({ host }: ApprovalEffectParts): Effect {
  return async ({ phase, tenant, agent, id: paymentId }) => {
    const cause =
      phase.status === 'cleared'
        ? 'unclaimed'
        : phase.status !== 'awaiting'
          ? null
          : phase.approval.requirement.kind === 'quorum'
            ? 'unanswered'
            : 'not_notified';
    if (cause === null) return;
    const about = { tenant, agent, paymentId, cause } as const;
    return unlessEarly(await host.append('approval.expired', about, { cause: paymentId }));
  };
}

/** A clock that runs ahead of the log must not fill it: what came too early is tried again after a while. */
function unlessEarly(back: ReadBack): EffectResult {
  return { againAfterMs: back.code === 'too_early' ? 1_000 : 50 };
}

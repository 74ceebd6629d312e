import { type PaymentView, findAsset, quoteDigest } from '@countersign/contracts';
import { toDecimal } from '@countersign/kernel';
import {
  type LaneState,
  type Payment,
  agentOf,
  approvalDueMs,
  availableInSession,
  availableTo,
  fixedOf,
  sessionStanding,
} from '@countersign/payment';
import type { LaneHost } from './lane-host.ts';
import { statusOf } from './status.ts';

/** An amount as people read it, from our asset table; atomic units where we do not know the asset. */
export function amountText(quote: Payment['quote']): string {
  const asset = findAsset(quote.network, quote.asset);
  return asset
    ? `${toDecimal(BigInt(quote.amount), asset.decimals)} ${asset.symbol}`
    : `${quote.amount} atomic units of ${quote.asset}`;
}

/**
 * A payment for its reader.
 *
 * @param options.bearer whether the reader is the owning agent; only it gets the signature bytes.
 */
export function viewOf(
  host: LaneHost,
  payment: Payment,
  options: { readonly bearer: boolean },
): PaymentView {
  const { phase } = payment;
  const verdict =
    'decision' in phase ? phase.decision.verdict : phase.status === 'ended' ? phase.verdict : null;
  const fixed = fixedOf(payment);
  const lane = host.laneFor(payment.tenant, payment.agent);
  const signature = 'signature' in phase ? phase.signature : null;
  return {
    id: payment.id,
    agent: payment.agent,
    kind: payment.intent.kind,
    status: statusOf(payment),
    final: phase.status === 'ended',
    submittedAtMs: payment.submittedAtMs,
    quote: payment.quote,
    quoteDigest: quoteDigest(payment.quote, payment.resource),
    resource: payment.resource,
    amount: amountText(payment.quote),
    tier: verdict?.tier ?? null,
    flags: verdict?.flags ?? [],
    reasons: verdict?.reasons ?? [],
    code: phase.status === 'ended' ? phase.code : null,
    ...(verdict?.alternative !== undefined && { alternative: verdict.alternative }),
    ...(verdict?.available && { available: verdict.available }),
    ...approvalView(payment),
    ...(fixed && { authorization: fixed.authorization }),
    ...(fixed?.stop && { stop: fixed.stop }),
    ...(options.bearer && signature !== null && { signature }),
    ...settlementView(payment),
    delivered: payment.delivered,
    ...(payment.outcome && { outcome: payment.outcome }),
    ...taskOf(lane, payment),
    ...sessionOf(lane, payment),
    position: `${lane.lane}:${lane.next - 1}`,
  };
}

function taskOf(lane: LaneState, payment: Payment): Pick<PaymentView, 'task'> {
  const name = payment.intent.asserted.task;
  const agent = agentOf(lane, payment.tenant, payment.agent);
  const task = name === undefined ? undefined : agent.taskBooks.get(name);
  if (!task) return {};
  const available = availableTo(task);
  const { phase, unit } = task;
  return {
    task: { task: task.task, phase, unit, available: available === null ? null : `${available}` },
  };
}

function sessionOf(lane: LaneState, payment: Payment): Pick<PaymentView, 'session'> {
  const name = payment.intent.asserted.session;
  const agent = agentOf(lane, payment.tenant, payment.agent);
  const session = name === undefined ? undefined : agent.sessions.get(name);
  if (!session) return {};
  const available = availableInSession(session);
  return {
    session: {
      session: session.session,
      state: sessionStanding(session, lane.atMs),
      expiresAtMs: session.expiresAtMs,
      unit: session.unit,
      available: available === null ? null : `${available}`,
    },
  };
}

function approvalView(payment: Payment): Pick<PaymentView, 'approval' | 'clearedUntilMs'> {
  const { phase } = payment;
  const approval =
    phase.status === 'awaiting'
      ? phase.approval
      : phase.status === 'cleared'
        ? phase.completed
        : undefined;
  if (!approval) return {};
  return {
    approval: {
      requirement: approval.requirement,
      decisionId: approval.decisionId,
      openedAtMs: approval.openedAtMs,
      dueAtMs: approvalDueMs(approval),
      grantedBy: approval.grants.map((grant) => grant.person),
    },
    ...(phase.status === 'cleared' && { clearedUntilMs: phase.untilMs }),
  };
}

function settlementView({ phase }: Payment): Pick<PaymentView, 'settlement'> {
  const seen =
    phase.status === 'signed'
      ? phase.observed
      : phase.status === 'ended' && phase.transfer
        ? { level: 'final' as const, transfer: phase.transfer }
        : null;
  if (!seen) return {};
  const { transactionHash, block } = seen.transfer;
  return { settlement: { level: seen.level, transactionHash, blockNumber: block.number } };
}

import { EMPTY_CONTROL, tenantOf } from '@countersign/payment';
import type { Acts } from '../acts.ts';
import type { History, Seen } from '../history.ts';
import { isDead } from './exposure.ts';
import { type Claim, claimOf } from './claim.ts';
import type { MakeInvariant } from './invariant.ts';

/** Invariant 5: nothing is signed that was stopped before its authorization was fixed, or whose stop was acknowledged. */
export const stops: MakeInvariant = ({ history, acts, chain }, report) => ({
  onSignature({ meaning }) {
    if (meaning?.kind !== 'transfer') return;
    // What can never be paid any more may be signed by a straggler: it moves nothing.
    if (isDead(chain, meaning.authorization)) return;
    const claim = claimOf(history, meaning.authorization);
    if (typeof claim === 'string') return;
    // Bytes that the log holds already may be made again by a straggler: a second signature is the first one.
    const isRepeat = history
      .named(claim.paymentId, 'signing.completed')
      .some((seen) => seen.applied && seen.record.offset > claim.fixed.record.offset);
    const why = stoppedBefore(history, claim) ?? (isRepeat ? undefined : acknowledged(acts, claim));
    if (why !== undefined) report(`${claim.paymentId} was signed although ${why}`);
  },
});

/** By the records of the lane, in order, up to the authorization. */
function stoppedBefore(history: History, claim: Claim): string | undefined {
  const { lane, intent, fixed, paymentId, tenant, agent } = claim;
  const [from, to] = [intent.record.offset, fixed.record.offset];
  let isFrozen = false;
  for (const seen of history.lanes[lane]?.slice(0, to) ?? []) {
    const { event, record } = seen;
    if (!event || !('agent' in event.data)) continue;
    if (event.data.tenant !== tenant || event.data.agent !== agent) continue;
    if (event.name === 'agent.frozen') {
      if (record.offset > from) return `the agent was frozen at ${lane}:${record.offset}`;
      isFrozen = true;
    }
    if (event.name === 'agent.unfrozen' && seen.genuine) isFrozen = false;
    if (isOf(seen, 'approval.vetoed', paymentId) && record.offset > from)
      return `it was vetoed at ${lane}:${record.offset}`;
    if (isOf(seen, 'approval.expired', paymentId) && seen.applied)
      return `it had expired at ${lane}:${record.offset}`;
  }
  if (isFrozen) return 'the agent was frozen';
  return tenantFrozen(history, claim);
}

function isOf(
  seen: Seen,
  name: 'approval.vetoed' | 'approval.expired',
  paymentId: string,
): boolean {
  return seen.event?.name === name && seen.event.data.paymentId === paymentId;
}

function tenantFrozen(history: History, claim: Claim): string | undefined {
  const { lane, intent, fixed, tenant, agent } = claim;
  const frozenAt = (through: number) => {
    const view = tenantOf(history.views[through] ?? EMPTY_CONTROL, tenant);
    const wallets = view.agents.get(agent)?.wallets ?? [];
    const isWalletFrozen = wallets.some(
      (wallet) => view.walletFreezes.get(wallet)?.isFrozen && !view.wallets.get(wallet)?.revocation,
    );
    return view.frozen || view.restore !== null || isWalletFrozen;
  };
  let isFrozen = false;
  let before = -1;
  for (const { offset, through } of history.marksBefore(lane, fixed.record.offset)) {
    // A freeze and its end may stand in control between two marks.
    let wasFrozen = isFrozen;
    for (let at = before + 1; at <= through; at += 1) wasFrozen ||= frozenAt(at);
    if (wasFrozen && offset > intent.record.offset)
      return `everything of it was frozen by the mark at ${lane}:${offset}`;
    isFrozen = frozenAt(through);
    before = through;
  }
  return isFrozen ? 'everything of it was frozen' : undefined;
}

/** By what people were told: a stop that was acknowledged and did not name the payment holds for it. */
function acknowledged(acts: Acts, claim: Claim): string | undefined {
  const { tenant, agent, paymentId, lane, intent, fixed } = claim;
  for (const stop of acts.stops) {
    if (stop.tenant !== tenant || stop.isLifted || stop.tooLate.has(paymentId)) continue;
    if (stop.kind === 'veto') {
      if (stop.paymentId === paymentId) return 'somebody was told that it is vetoed';
      continue;
    }
    if (stop.kind === 'agent' && stop.agent !== agent) continue;
    const end = stop.laneEnds[lane] ?? 0;
    const isOlder = intent.record.offset < end;
    // The stop of a tenant names no payments: it promises nothing about those already fixed.
    const isBeyond = stop.kind === 'tenant' && fixed.record.offset < end;
    if (isOlder && !isBeyond) return `somebody was told that ${stop.kind} ${agent} is stopped`;
  }
  return undefined;
}

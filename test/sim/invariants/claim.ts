import type { Authorization } from '@countersign/contracts';
import { canonicalText } from '@countersign/kernel';
import type { History, SeenOf } from '../history.ts';

/** What the log says about an authorization. */
export interface Claim {
  readonly tenant: string;
  readonly agent: string;
  readonly paymentId: string;
  readonly lane: number;
  readonly intent: SeenOf<'intent.submitted'>;
  /** The record that fixes, or by renewing fixes, exactly this authorization: the one that counts, if there are several. */
  readonly fixed: SeenOf<'authorization.fixed'> | SeenOf<'authorization.renewed'>;
  /** The decision behind it. */
  readonly decisionId: string;
}

/** The claim behind an authorization, or why there is none. */
export function claimOf(history: History, authorization: Authorization): Claim | string {
  const paymentId = history.paymentOfNonce(authorization.nonce);
  if (paymentId === undefined) return `nonce ${authorization.nonce} belongs to no payment`;
  const intent = history.named(paymentId, 'intent.submitted').find((seen) => seen.applied);
  if (!intent) return `${paymentId} has no intent`;
  const { tenant, agent } = intent.event.data;
  const lane = history.laneOf({ tenant, agent });
  const text = canonicalText(authorization);
  const firsts = history
    .named(paymentId, 'authorization.fixed')
    .filter((seen) => seen.record.lane === String(lane));
  const all = [...firsts, ...history.named(paymentId, 'authorization.renewed')].filter(
    (seen) => canonicalText(seen.event.data.authorization) === text,
  );
  const fixed = all.find((seen) => seen.applied) ?? all[0];
  if (!fixed) return `${paymentId}: nothing recorded fixes ${text}`;
  const first = 'decisionId' in fixed.event.data ? fixed : firsts.find((seen) => seen.applied);
  const decisionId = first && 'decisionId' in first.event.data ? first.event.data.decisionId : '';
  return { tenant, agent, paymentId, lane, intent, fixed, decisionId };
}

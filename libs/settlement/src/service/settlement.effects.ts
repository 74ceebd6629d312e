import type { EventData } from '@countersign/contracts';
import { Fault } from '@countersign/kernel';
import { type Fixed, type Payment, fixedOf } from '@countersign/payment';
import type { BlockTag, Chain, Clock, StatementKey } from '@countersign/ports';
import { type Effect, type Effects, type LaneHost, signStatement } from '@countersign/service-kit';
import { type Evidence, evidenceOf } from '../domain/evidence.ts';
import { restMs } from '../domain/polling.ts';
import { isOutlived, mayPresent } from './facilitators.ts';

export interface SettlementParts {
  readonly host: LaneHost;
  readonly key: StatementKey;
  /** By CAIP-2 network. */
  readonly chains: ReadonlyMap<string, Chain>;
  readonly clock: Clock;
  /** How often the chain is asked about a payment that has begun; of older ones it is asked less often. */
  readonly pollMs: number;
}

/** Logs are searched from this many blocks before the head the authorization was fixed at: a reorg moves heads. */
const REORG_MARGIN_BLOCKS = 128;
/** How often what we must send ourselves is sent again while the chain does not show it. */
export const RESEND_MS = 10_000;
/** How often an open breaker is looked at. */
const BREAKER_LOOK_MS = 5_000;

type Evidenced =
  | 'settlement.observed'
  | 'settlement.reverted'
  | 'settlement.final'
  | 'authorization.void'
  | 'authorization.canceled'
  | 'settlement.mismatched';

/** What settlement owes: evidence about every authorization, and sending what nobody else will send. */
export function settlementEffects(parts: SettlementParts): Effects {
  const sentAt = new Map<string, number>();
  const watching = watch(parts, sentAt);
  return {
    watch: watching,
    present: present(parts, watching, send(parts, 'transfer', sentAt)),
    relay_cancellation: send(parts, 'cancellation', sentAt),
  };
}

/**
 * Asks the chain, from the strongest level down. Only a finalized block ends a payment; an error is no answer and
 * leaves everything as it is.
 *
 * Most of the time nothing has happened, and heads tell, which all payments share.
 */
function watch(parts: SettlementParts, sentAt: Map<string, number>): Effect {
  return async (payment) => {
    const fixed = fixedOf(payment);
    if (!fixed) return;
    const known = payment.phase.status === 'signed' ? payment.phase.observed : null;
    if (known) {
      if (await standsAsKnown(parts, fixed, known)) return atNextPoll(parts, fixed);
    } else {
      const newest = await readAt(parts, fixed, 'latest');
      if (newest.kind === 'unused') await resend(parts, payment, fixed, sentAt);
      const isEarly = newest.kind === 'outlived' && !(await isOverFinally(parts, fixed));
      // What the newest block does not know, no block below it knows.
      if (newest.kind === 'unused' || isEarly) return atNextPoll(parts, fixed);
    }
    const final = await readAt(parts, fixed, 'finalized');
    if (await recordEnd(parts, payment, final)) {
      sentAt.delete(payment.id);
      return atNextPoll(parts, fixed);
    }
    const safe = await readAt(parts, fixed, 'safe');
    const seen = safe.kind === 'settled' ? safe : await readAt(parts, fixed, 'latest');
    await recordSeen(parts, payment, seen, seen === safe ? 'safe' : 'latest');
    if (seen.kind === 'unused') await resend(parts, payment, fixed, sentAt);
    return atNextPoll(parts, fixed);
  };
}

type Observed = NonNullable<Extract<Payment['phase'], { status: 'signed' }>['observed']>;

/** Whether what was seen is still there, and no stronger level has come as far. */
async function standsAsKnown(
  parts: SettlementParts,
  { authorization }: Fixed,
  { level, transfer: { block } }: Observed,
): Promise<boolean> {
  const chain = chainOf(parts, authorization.chainId);
  const [final, safe, stands] = await Promise.all([
    chain.head('finalized'),
    chain.head('safe'),
    chain.holds(block),
  ]);
  const isSafe = safe.number >= block.number;
  return stands && final.number < block.number && (level === 'safe' || !isSafe);
}

/** Whether a finalized block is past the authorization's end. */
async function isOverFinally(parts: SettlementParts, { authorization }: Fixed): Promise<boolean> {
  const { timeMs } = await chainOf(parts, authorization.chainId).head('finalized');
  return timeMs >= authorization.validBefore * 1000;
}

/** All payments are asked about at the same moments, so that they share round trips and heads. */
function atNextPoll(
  { clock, pollMs }: SettlementParts,
  { fixedAtMs }: Fixed,
): { readonly againAfterMs: number } {
  const rest = restMs(clock.nowMs() - fixedAtMs, pollMs);
  return { againAfterMs: rest - (clock.monotonicMs() % pollMs) };
}

async function readAt(parts: SettlementParts, fixed: Fixed, tag: BlockTag): Promise<Evidence> {
  const { authorization, atBlock } = fixed;
  const chain = chainOf(parts, authorization.chainId);
  const fromBlock = Math.max(0, atBlock - REORG_MARGIN_BLOCKS);
  const { token, from, nonce } = authorization;
  const reading = await chain.authorization({ token, from, nonce }, tag, fromBlock);
  return evidenceOf(authorization, reading);
}

/** Records what a finalized block proves; false when it proves nothing yet. */
async function recordEnd(
  parts: SettlementParts,
  payment: Payment,
  evidence: Evidence,
): Promise<boolean> {
  const { tenant, agent, id: paymentId } = payment;
  const about = { tenant, agent, paymentId };
  switch (evidence.kind) {
    case 'settled':
      await record(parts, 'settlement.final', { ...about, transfer: evidence.transfer });
      return true;
    case 'canceled':
      await record(parts, 'authorization.canceled', { ...about, transfer: evidence.transfer });
      return true;
    case 'mismatched':
      await record(parts, 'settlement.mismatched', { ...about, found: evidence.found });
      return true;
    case 'outlived':
      await record(parts, 'authorization.void', { ...about, finalized: evidence.at });
      return true;
    case 'unused':
      return false;
  }
}

/** Records what is seen but not final, and takes it back when a reorganisation did. */
async function recordSeen(
  parts: SettlementParts,
  payment: Payment,
  seen: Evidence,
  level: 'safe' | 'latest',
): Promise<void> {
  const { phase, tenant, agent, id: paymentId } = payment;
  if (phase.status !== 'signed') return;
  const about = { tenant, agent, paymentId };
  const known = phase.observed;
  if (seen.kind === 'settled') {
    const same =
      known?.level === level &&
      known.transfer.transactionHash === seen.transfer.transactionHash &&
      known.transfer.block.hash === seen.transfer.block.hash;
    if (!same)
      await record(parts, 'settlement.observed', { ...about, level, transfer: seen.transfer });
  } else if (known && (seen.kind === 'unused' || seen.kind === 'outlived')) {
    await record(parts, 'settlement.reverted', { ...about, head: seen.at });
  }
}

/**
 * Sends what we present ourselves, unless its time is over or the breaker holds it back. That may last longer than its time,
 * and only one debt of a payment is paid at a time: meanwhile the chain is watched from here, or it would never end.
 */
function present(parts: SettlementParts, watching: Effect, sending: Effect): Effect {
  return async (payment, debt) => {
    const nowMs = parts.clock.nowMs();
    if (!isOutlived(payment, nowMs) && mayPresent(parts.host, payment, nowMs))
      return sending(payment, debt);
    const { againAfterMs } = (await watching(payment, debt)) ?? { againAfterMs: BREAKER_LOOK_MS };
    return { againAfterMs: Math.min(againAfterMs, BREAKER_LOOK_MS) };
  };
}

/** Sends to the chain what the log claims we send; the claim comes first, so a crash leaves it to be sent again. */
function send(
  parts: SettlementParts,
  what: 'transfer' | 'cancellation',
  sentAt: Map<string, number>,
): Effect {
  return async (payment) => {
    const { tenant, agent, id: paymentId } = payment;
    const fixed = fixedOf(payment);
    if (!fixed) return;
    const cause = `${fixed.authorizationDigest}/${what}`;
    const about = { tenant, agent, paymentId, what };
    const back = await parts.host.append('settlement.submitted', about, { cause });
    if (back.applied) await submit(parts, payment, fixed, sentAt);
    return { againAfterMs: 100 };
  };
}

async function resend(
  parts: SettlementParts,
  payment: Payment,
  fixed: Fixed,
  sentAt: Map<string, number>,
): Promise<void> {
  const last = sentAt.get(payment.id) ?? -Infinity;
  if (fixed.submitted.length === 0 || parts.clock.monotonicMs() - last < RESEND_MS) return;
  const isTransfer = fixed.cancellation === null;
  if (isTransfer && !mayPresent(parts.host, payment, parts.clock.nowMs())) return;
  await submit(parts, payment, fixed, sentAt);
}

async function submit(
  parts: SettlementParts,
  payment: Payment,
  fixed: Fixed,
  sentAt: Map<string, number>,
): Promise<void> {
  const { authorization, cancellation } = fixed;
  const chain = chainOf(parts, authorization.chainId);
  sentAt.set(payment.id, parts.clock.monotonicMs());
  if (cancellation !== null) {
    await chain.submitCancellation({ ...authorization, signature: cancellation });
  } else if (payment.phase.status === 'signed') {
    const { signature } = payment.phase;
    await chain.submitTransfer({ ...authorization, value: BigInt(authorization.value), signature });
  }
}

async function record<N extends Evidenced>(
  parts: SettlementParts,
  name: N,
  statement: Omit<EventData<N>, 'signature'>,
): Promise<void> {
  const cause = (statement as { readonly paymentId: string }).paymentId;
  const data = await signStatement<Evidenced>(parts.key, name, statement, cause);
  await parts.host.append(name, data as EventData<N>, { cause });
}

function chainOf(parts: SettlementParts, chainId: number): Chain {
  const chain = parts.chains.get(`eip155:${chainId}`);
  if (!chain)
    throw new Fault('chain_unavailable', `no chain is configured for eip155:${chainId}`, {
      retryable: true,
    });
  return chain;
}

import type { Authorization, RefusalCode } from '@countersign/contracts';
import { digestOf } from '@countersign/kernel';
import { nonceOf } from './ids.ts';
import {
  CLEARANCE_WITHOUT_PEOPLE_MS,
  type Life,
  type LifeContext,
  type LifeJudgement,
  RENEWABLE_FROM_MS,
  RENEWALS_MAX,
  SKEW_MAX_MS,
  accept,
  ended,
  ignore,
  inPhase,
  withFixed,
} from './life-steps.ts';
import { type Completed, type Fixed, type Payment, type PhaseOf, fixedOf } from './payment.ts';

/** What the signer did: the one authorization, its signature, its cancellation, or its refusal. */
export function signing(
  payment: Payment,
  event: Life<
    | `authorization.${'fixed' | 'renewed'}`
    | 'renewal.requested'
    | `signing.${'completed' | 'refused'}`
    | 'cancellation.signed'
  >,
  context: LifeContext,
): LifeJudgement {
  const { phase } = payment;
  switch (event.name) {
    case 'authorization.fixed':
      return fixed(payment, event.data, context);
    case 'renewal.requested':
      return wanted(payment, event.data.authorizationDigest, context);
    case 'authorization.renewed':
      return renewed(payment, event.data, context);
    case 'signing.refused':
      if (phase.status === 'signed') return notRenewed(payment, phase, event.data.decisionId);
      if (phase.status !== 'authorized') return ignore('not_waiting');
      return event.data.decisionId === phase.decision.id
        ? accept(ended(payment, 'refused', context.atMs, event.data.code))
        : ignore('wrong_round');
    case 'signing.completed': {
      if (phase.status !== 'fixed') return ignore('not_waiting');
      const { bytes: signature, authorizationDigest } = event.data;
      if (authorizationDigest !== phase.fixed.authorizationDigest)
        return ignore('wrong_authorization');
      const signed = { signature, signedAtMs: context.atMs, observed: null };
      return accept(inPhase(payment, { ...phase, ...signed, status: 'signed' }));
    }
    case 'cancellation.signed': {
      const now = fixedOf(payment);
      if (!now?.stop || phase.status === 'ended') return ignore('not_waiting');
      if (now.cancellation !== null) return ignore('duplicate');
      return accept(withFixed(payment, { ...now, cancellation: event.data.bytes }));
    }
  }
}

function fixed(
  payment: Payment,
  data: Life<'authorization.fixed'>['data'],
  context: LifeContext,
): LifeJudgement {
  const { phase, quote } = payment;
  if (phase.status === 'ended') return ignore('already_ended');
  if (phase.status !== 'authorized') return ignore('not_waiting');
  if (context.frozen) return ignore('frozen');
  if (data.decisionId !== phase.decision.id) return ignore('wrong_round');
  const { authorization, walletId } = data;
  const asDecided =
    `eip155:${authorization.chainId}` === quote.network &&
    authorization.token === quote.asset &&
    authorization.to === quote.payTo &&
    authorization.value === quote.amount &&
    authorization.nonce === nonceOf(payment.tenant, payment.id) &&
    authorization.from === context.wallet?.address &&
    walletId === context.wallet.id &&
    authorization.validAfter === 0 &&
    authorization.validBefore * 1000 <=
      context.atMs + phase.decision.verdict.maxLifetimeMs + SKEW_MAX_MS;
  if (!asDecided) return ignore('wrong_authorization');
  const now: Fixed = {
    authorization,
    authorizationDigest: digestOfAuthorization(authorization),
    walletId,
    decisionId: data.decisionId,
    atBlock: data.atBlock,
    fixedAtMs: context.atMs,
    stop: null,
    cancellation: null,
    submitted: [],
    renewableUntilMs: clearanceEndMs(phase.completed, context.atMs),
    renewalWanted: false,
    renewals: 0,
    renews: null,
  };
  return accept(inPhase(payment, { status: 'fixed', decision: phase.decision, fixed: now }));
}

function clearanceEndMs(completed: Completed | null, atMs: number): number {
  return completed
    ? completed.completedAtMs + completed.requirement.clearanceMs
    : atMs + CLEARANCE_WITHOUT_PEOPLE_MS;
}

/** Why a signed authorization is not renewed at log time `atMs`; undefined when it may be. */
function refusalToRenew(
  payment: Payment,
  digest: string,
  context: LifeContext,
): RefusalCode | undefined {
  const { phase } = payment;
  if (phase.status === 'ended') return 'already_ended';
  if (phase.status !== 'signed' || phase.observed || payment.delivered) return 'not_waiting';
  // Nobody comes back for a withdrawal: we present it ourselves, and a person orders it anew.
  if (payment.intent.kind !== 'payment') return 'not_waiting';
  if (context.frozen) return 'frozen';
  const { fixed: now, decision } = phase;
  if (now.stop !== null) return 'not_waiting';
  if (digest !== now.authorizationDigest) return 'wrong_authorization';
  if (decision.policyHash !== context.policyHash) return 'stale_policy';
  if (now.renewals >= RENEWALS_MAX || context.atMs >= now.renewableUntilMs) return 'not_renewable';
  return isRunningOut(now, context.atMs) ? undefined : 'too_early';
}

/** Whether so little of a signed authorization's time is left that its agent needs a renewal. */
export function isRunningOut({ authorization }: Fixed, atMs: number): boolean {
  return atMs >= authorization.validBefore * 1000 - RENEWABLE_FROM_MS;
}

function wanted(payment: Payment, digest: string, context: LifeContext): LifeJudgement {
  const code = refusalToRenew(payment, digest, context);
  const now = fixedOf(payment);
  if (code !== undefined || !now) return ignore(code ?? 'not_waiting');
  if (now.renewalWanted) return ignore('duplicate');
  return accept(withFixed(payment, { ...now, renewalWanted: true }));
}

function notRenewed(
  payment: Payment,
  { fixed: now }: PhaseOf<'signed'>,
  decisionId: string,
): LifeJudgement {
  if (!now.renewalWanted || decisionId !== now.decisionId) return ignore('not_waiting');
  return accept(withFixed(payment, { ...now, renewalWanted: false, renewableUntilMs: 0 }));
}

/** What was signed before stays valid until its own end, so the evidence looked for is the same as before. */
function renewed(
  payment: Payment,
  data: Life<'authorization.renewed'>['data'],
  context: LifeContext,
): LifeJudgement {
  const { phase } = payment;
  const code = refusalToRenew(payment, data.renews, context);
  if (code !== undefined || phase.status !== 'signed') return ignore(code ?? 'not_waiting');
  const { fixed: now, decision } = phase;
  if (!now.renewalWanted) return ignore('not_waiting');
  const { authorization } = data;
  const { validBefore } = authorization;
  const onlyLater =
    digestOfAuthorization({ ...authorization, validBefore: now.authorization.validBefore }) ===
      now.authorizationDigest &&
    validBefore > now.authorization.validBefore &&
    validBefore * 1000 <= context.atMs + decision.verdict.maxLifetimeMs + SKEW_MAX_MS;
  if (!onlyLater) return ignore('wrong_authorization');
  const next: Fixed = {
    ...now,
    authorization,
    authorizationDigest: digestOfAuthorization(authorization),
    fixedAtMs: context.atMs,
    renewalWanted: false,
    renewals: now.renewals + 1,
    renews: now.authorizationDigest,
  };
  return accept(inPhase(payment, { status: 'fixed', decision, fixed: next }));
}

export function digestOfAuthorization(authorization: Authorization): string {
  return digestOf('countersign/authorization/1', authorization);
}

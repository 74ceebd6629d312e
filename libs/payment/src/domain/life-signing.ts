import { digestOf } from '@countersign/kernel';
import { nonceOf } from './ids.ts';
import {
  type Life,
  type LifeContext,
  type LifeJudgement,
  SKEW_MAX_MS,
  accept,
  ended,
  ignore,
  inPhase,
  withFixed,
} from './life-steps.ts';
import { type Fixed, type Payment, fixedOf } from './payment.ts';

/** What the signer did: the one authorization, its signature, its cancellation, or its refusal. */
export function signing(
  payment: Payment,
  event: Life<`authorization.fixed` | `signing.${'completed' | 'refused'}` | 'cancellation.signed'>,
  context: LifeContext,
): LifeJudgement {
  const { phase } = payment;
  switch (event.name) {
    case 'authorization.fixed':
      return fixed(payment, event.data, context);
    case 'signing.refused':
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
    authorizationDigest: digestOf('countersign/authorization/1', authorization),
    walletId,
    decisionId: data.decisionId,
    atBlock: data.atBlock,
    fixedAtMs: context.atMs,
    stop: null,
    cancellation: null,
    submitted: [],
  };
  return accept(inPhase(payment, { status: 'fixed', decision: phase.decision, fixed: now }));
}

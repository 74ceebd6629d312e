import { findAsset } from '@countersign/contracts';
import { InvariantViolation } from '@countersign/kernel';
import { type Fixed, type Payment, fixedOf, tenantOf } from '@countersign/payment';
import { type Effect, type Effects, signStatement } from '@countersign/service-kit';
import { authorizationFor, walletKeyName } from '../domain/preconditions.ts';
import { CLAIM_AGE_MAX_MS, entryOf, learnWhatIsFixed } from './learned.ts';
import type { LogGuard } from './log-guard.ts';
import { type Guarded, type SignerParts, lookAt } from './look.ts';
import { VerifiedPolicies } from './records.ts';

/** What the signer owes: fix the one authorization, sign it, renew it, and sign its cancellation when it must not be used. */
export function signerEffects(parts: SignerParts & { readonly guard: LogGuard }): Effects {
  const policies = new VerifiedPolicies(parts.host, parts.trusted);
  learnWhatIsFixed(parts.host, parts.journal);
  const guarded = { ...parts, policies, fixedHere: new Map<string, number>() };
  return {
    fix: fix(guarded),
    renew: renew(guarded),
    sign: sign(guarded),
    cancel: cancel(parts),
  };
}

function fix(parts: Guarded): Effect {
  return async (payment) => {
    const { phase } = payment;
    if (phase.status !== 'authorized') return;
    const looked = await lookAt(parts, payment);
    if ('againAfterMs' in looked) return looked;
    const { wallet, head } = looked;
    const { tenant, agent, id: paymentId } = payment;
    const cause = phase.decision.id;
    const { maxLifetimeMs } = phase.decision.verdict;
    const authorization = authorizationFor(payment, wallet, head, maxLifetimeMs);
    const before = parts.clock.monotonicMs();
    const about = { tenant, agent, paymentId, decisionId: cause, walletId: wallet.id };
    const statement = { ...about, authorization, atBlock: head.number };
    const data = await signStatement(parts.key, 'authorization.fixed', statement, cause);
    const back = await parts.host.append('authorization.fixed', data, { cause });
    if (back.applied) noteFixedHere(parts, paymentId, before);
    return { againAfterMs: 100 };
  };
}

/** Records the same authorization with a later end, after looking at everything again; then it is signed as any other. */
function renew(parts: Guarded): Effect {
  return async (payment) => {
    const { phase } = payment;
    if (phase.status !== 'signed' || phase.fixed.stop) return;
    const looked = await lookAt(parts, payment);
    if ('againAfterMs' in looked) return looked;
    const { tenant, agent, id: paymentId } = payment;
    const { authorization, authorizationDigest: renews } = phase.fixed;
    const { maxLifetimeMs } = phase.decision.verdict;
    const { validBefore } = authorizationFor(payment, looked.wallet, looked.head, maxLifetimeMs);
    // A node that lags would have us record an earlier end.
    if (validBefore <= authorization.validBefore) return { againAfterMs: 1_000 };
    const before = parts.clock.monotonicMs();
    const statement = {
      ...{ tenant, agent, paymentId, renews },
      authorization: { ...authorization, validBefore },
    };
    const data = await signStatement(parts.key, 'authorization.renewed', statement, renews);
    const back = await parts.host.append('authorization.renewed', data, { cause: renews });
    if (back.applied) noteFixedHere(parts, paymentId, before);
    return { againAfterMs: 1_000 };
  };
}

/** Another signer may sign it, and then nobody asks for it here: what is too old to be signed is let go. */
function noteFixedHere({ host, fixedHere }: Guarded, paymentId: string, atMs: number): void {
  for (const [digest, sinceMs] of fixedHere) {
    if (atMs - sinceMs <= CLAIM_AGE_MAX_MS) break;
    fixedHere.delete(digest);
  }
  const payment = host.payment(paymentId);
  const fixed = payment && fixedOf(payment);
  if (fixed) fixedHere.set(fixed.authorizationDigest, atMs);
}

function sign(parts: Guarded): Effect {
  return async (payment) => {
    const { host, journal, clock, typedData, guard, fixedHere } = parts;
    if (payment.phase.status !== 'fixed' || payment.phase.fixed.stop) return;
    const { fixed } = payment.phase;
    const { authorization, authorizationDigest, walletId } = fixed;
    const lane = host.laneFor(payment.tenant, payment.agent);
    await guard.check(`eip155:${authorization.chainId}`, lane);
    // Of two signers at work at the same moment, one now sees what the other has fixed of the wallet, in whatever lane. And
    // a stop may stand in this one.
    await host.caughtUpWithAll();
    if (host.payment(payment.id) !== payment) return { againAfterMs: 0 };
    const since = fixedHere.get(authorizationDigest);
    const ageMs =
      since === undefined ? clock.nowMs() - fixed.fixedAtMs : clock.monotonicMs() - since;
    if (ageMs > CLAIM_AGE_MAX_MS || ageMs < -2_000) return { againAfterMs: 60_000 };
    // By the log's time too: a clock that jumps ahead now must not leave the day's payments behind.
    const atMs = Math.min(clock.nowMs(), fixed.fixedAtMs + CLAIM_AGE_MAX_MS);
    const { token, value } = authorization;
    const perDay = parts.ceilingOf(walletId, token)?.perDay ?? 0n;
    // Others of this wallet were fixed beside this one: it is not signed and goes void.
    if (!journal.note(entryOf(payment, fixed, atMs), perDay)) return { againAfterMs: 60_000 };
    const digest = typedData.transferDigest(
      { ...authorization, value: BigInt(value) },
      domainOf(authorization),
    );
    const bytes = await signedBy(parts, payment, fixed, digest);
    const { tenant, agent, id: paymentId } = payment;
    const cause = authorizationDigest;
    const about = { tenant, agent, paymentId, authorizationDigest, bytes };
    const data = await signStatement(parts.key, 'signing.completed', about, cause);
    await host.append('signing.completed', data, { cause });
    fixedHere.delete(authorizationDigest);
    return { againAfterMs: 100 };
  };
}

/** Needs no allowance, and works while frozen: it can only make a recorded authorization unusable. */
function cancel(parts: SignerParts): Effect {
  const { host, key, typedData } = parts;
  return async (payment) => {
    const fixed = fixedOf(payment);
    if (!fixed?.stop || fixed.cancellation !== null) return;
    const { authorization } = fixed;
    const digest = typedData.cancellationDigest(authorization, domainOf(authorization));
    const { tenant, agent, id: paymentId } = payment;
    const bytes = await signedBy(parts, payment, fixed, digest);
    const cause = fixed.authorizationDigest;
    const about = { tenant, agent, paymentId, bytes };
    const data = await signStatement(key, 'cancellation.signed', about, cause);
    await host.append('cancellation.signed', data, { cause });
    return { againAfterMs: 100 };
  };
}

function domainOf(authorization: { readonly chainId: number; readonly token: string }) {
  const asset = findAsset(`eip155:${authorization.chainId}`, authorization.token);
  if (!asset) throw new InvariantViolation('an authorization was fixed for an unknown token');
  const { chainId, token: verifyingContract } = authorization;
  return { ...asset.domain, chainId, verifyingContract };
}

/**
 * The signature of the wallet an authorization was fixed for: its own key's, or that of the key which owns its account. A
 * cancellation too: an account goes to another key only when nothing is left to be canceled.
 */
function signedBy(
  { host, keys, owners }: SignerParts,
  { tenant, agent }: Payment,
  { walletId, authorization }: Fixed,
  digest: string,
): Promise<string> {
  const wallet = tenantOf(host.laneFor(tenant, agent).view, tenant).wallets.get(walletId);
  const name = walletKeyName(tenant, walletId);
  if (wallet?.kind !== 'erc1271-p256') return keys.sign(name, digest);
  const account = wallet.accounts.get(`eip155:${authorization.chainId}`);
  if (!account) throw new InvariantViolation(`${walletId} has no account where it is to sign`);
  return owners.sign(name, account.ownedBy, digest);
}

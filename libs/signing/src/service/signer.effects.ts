import { findAsset } from '@countersign/contracts';
import { Fault, InvariantViolation } from '@countersign/kernel';
import {
  type Fixed,
  type Payment,
  SKEW_MAX_MS,
  type Wallet,
  agentOf,
  fixedOf,
  isStopped,
  nonceOf,
  tenantOf,
  walletFor,
} from '@countersign/payment';
import { withPolicyFacts } from '@countersign/policy';
import {
  type BlockRef,
  CONTROL,
  type Chain,
  type Clock,
  type OwnerKeys,
  type StatementKey,
  type TypedData,
  type WalletKeys,
} from '@countersign/ports';
import {
  type Effect,
  type Effects,
  type LaneHost,
  type TrustedKeys,
  factsOf,
  signStatement,
} from '@countersign/service-kit';
import {
  type Ceiling,
  type SigningCase,
  type SigningRefusal,
  authorizationFor,
  refusalToSign,
  walletKeyName,
} from '../domain/preconditions.ts';
import { CLAIM_AGE_MAX_MS, learnWhatIsFixed } from './learned.ts';
import type { LogGuard } from './log-guard.ts';
import { VerifiedPolicies, signedRecordsOf } from './records.ts';
import type { SigningJournal } from './signing-journal.ts';

export interface SignerParts {
  readonly host: LaneHost;
  readonly keys: WalletKeys;
  readonly owners: OwnerKeys;
  /** The signer's own statement key. */
  readonly key: StatementKey;
  readonly typedData: TypedData;
  readonly journal: SigningJournal;
  /** By CAIP-2 network. */
  readonly chains: ReadonlyMap<string, Chain>;
  /** Keys of policy and approval, pinned in the signer's own configuration. */
  readonly trusted: TrustedKeys;
  readonly ceilingOf: (wallet: string, token: string) => Ceiling | undefined;
  readonly clock: Clock;
}

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

/** What signing takes beside what the signer is given. */
interface Guarded extends SignerParts {
  readonly guard: LogGuard;
  readonly policies: VerifiedPolicies;
  /** When this process recorded an authorization, by its monotonic clock. */
  readonly fixedHere: Map<string, number>;
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
    if (back.applied) parts.fixedHere.set(paymentId, before);
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
    if (back.applied) parts.fixedHere.set(paymentId, before);
    return { againAfterMs: 1_000 };
  };
}

/**
 * Looks at everything that must hold before an authorization is recorded; refuses what is refused for good.
 *
 * @returns what the window derives from, or when to look again.
 * @throws Fault `clock_skew`, and what {@link LogGuard.check} throws.
 */
async function lookAt(
  parts: Guarded,
  payment: Payment,
): Promise<
  { readonly wallet: Wallet; readonly head: BlockRef } | { readonly againAfterMs: number }
> {
  const { host, clock, policies, guard, journal } = parts;
  const { tenant, agent, id: paymentId, quote, phase } = payment;
  const lane = host.laneFor(tenant, agent);
  // A stop may stand in control that this lane has not been marked with yet.
  const end = await host.log.end(CONTROL);
  if (host.control.offset + 1 < end || lane.through < end - 1) return { againAfterMs: 20 };
  if (parts.chains.has(quote.network)) await guard.check(quote.network, lane);
  if (phase.status === 'authorized' && journal.has(paymentId))
    return refuseSignedBefore(parts, payment, phase.decision.id);
  await policies.refresh();
  const refusal = refusalToSign(await caseOf(parts, policies, payment));
  // The payment or control moved on while records were read: what was looked at is not what is, and the lane may not have
  // been marked with a policy that is already in force here.
  if (host.payment(paymentId) !== payment || host.control.offset >= end) return { againAfterMs: 0 };
  const decisionId = 'decision' in phase ? phase.decision.id : '';
  if (refusal?.code === 'veto_window_open') return { againAfterMs: 100 };
  if (refusal?.code === 'rules_differ') return { againAfterMs: 1_000 };
  if (refusal) return refuse(parts, payment, decisionId, refusal);
  const wallet = walletOf(host, payment);
  if (!wallet) throw new InvariantViolation('facts had a wallet and the view has none');
  const chain = parts.chains.get(quote.network);
  if (!chain) {
    const why = `no chain is configured for ${quote.network}`;
    return refuse(parts, payment, decisionId, { code: 'network_not_configured', why });
  }
  const head = await headBefore(chain, payment, wallet);
  if (!head) return refuseSignedBefore(parts, payment, decisionId);
  if (Math.abs(head.timeMs - clock.nowMs()) > SKEW_MAX_MS)
    throw new Fault('clock_skew', 'chain time and our clock differ by more than 30 s', {
      retryable: true,
    });
  return { wallet, head };
}

/** Past every block: how a spent nonce ended is not searched for. */
const NO_LOGS = Number.MAX_SAFE_INTEGER;

/**
 * The newest block, at which the nonce that is to be fixed is unused; undefined when it is spent. Then records and journal
 * were lost both, and the authorization would never be paid nor end: its use lies before the blocks it is watched from.
 */
async function headBefore(
  chain: Chain,
  { tenant, id, quote, phase }: Payment,
  { address: from }: Wallet,
): Promise<BlockRef | undefined> {
  // What is renewed has recorded its nonce; that it is used is for settlement to find.
  if (phase.status !== 'authorized') return chain.head('latest');
  const key = { token: quote.asset, from, nonce: nonceOf(tenant, id) };
  try {
    const { state, at } = await chain.authorization(key, 'latest', NO_LOGS);
    return state === 'unused' ? at : undefined;
  } catch (error) {
    if (error instanceof Fault && error.code === 'log_missing') return undefined;
    throw error;
  }
}

/** Refuses what was signed by records that are lost, unless this fold is only behind: then it is looked at again. */
async function refuseSignedBefore(
  parts: SignerParts,
  payment: Payment,
  decisionId: string,
): Promise<{ readonly againAfterMs: number }> {
  const { host } = parts;
  await host.caughtUp(String(host.laneFor(payment.tenant, payment.agent).lane));
  if (host.payment(payment.id) !== payment) return { againAfterMs: 0 };
  const why = 'it was signed before, by records that this log has lost';
  return refuse(parts, payment, decisionId, { code: 'signed_before', why });
}

async function refuse(
  { host, key }: SignerParts,
  { tenant, agent, id: paymentId }: Payment,
  decisionId: string,
  refusal: SigningRefusal,
): Promise<{ readonly againAfterMs: number }> {
  const about = { tenant, agent, paymentId, decisionId, ...refusal };
  const data = await signStatement(key, 'signing.refused', about, decisionId);
  await host.append('signing.refused', data, { cause: decisionId });
  return { againAfterMs: 100 };
}

async function caseOf(
  parts: SignerParts,
  policies: VerifiedPolicies,
  payment: Payment,
): Promise<SigningCase> {
  const { host, clock, journal, trusted, ceilingOf } = parts;
  const { phase, tenant, agent, quote } = payment;
  const lane = host.laneFor(tenant, agent);
  const view = tenantOf(lane.view, tenant);
  const { decisions, grants } = await signedRecordsOf(host, trusted, payment);
  const wallet = walletOf(host, payment);
  const completed = phase.status === 'authorized' ? phase.completed : null;
  const asked = completed ? decisions.get(completed.decisionId) : undefined;
  const nowMs = clock.nowMs();
  const policy = policies.inForce(tenant, view.active);
  const facts = factsOf(host, payment);
  return {
    payment,
    decision: 'decision' in phase ? decisions.get(phase.decision.id) : undefined,
    asked,
    askedPolicy: asked && policies.believed(asked.data),
    grants,
    policy,
    facts: policy && 'document' in policy ? withPolicyFacts(facts, policy.document) : facts,
    ceiling: wallet ? ceilingOf(wallet.id, quote.asset) : undefined,
    countedToday: wallet
      ? journal.countedInDay(walletKeyName(tenant, wallet.id), quote.asset, nowMs)
      : 0n,
    frozen: isStopped(view, agent) || agentOf(lane, tenant, agent).frozen,
    nowMs,
  };
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
    const since = fixedHere.get(payment.id);
    const ageMs =
      since === undefined ? clock.nowMs() - fixed.fixedAtMs : clock.monotonicMs() - since;
    if (ageMs > CLAIM_AGE_MAX_MS || ageMs < -2_000) return { againAfterMs: 60_000 };
    const keyName = walletKeyName(payment.tenant, walletId);
    const { token, value } = authorization;
    // By the log's time too: a clock that jumps ahead now must not leave the day's payments behind.
    const atMs = Math.min(clock.nowMs(), fixed.fixedAtMs + CLAIM_AGE_MAX_MS);
    const entry = {
      paymentId: payment.id,
      wallet: keyName,
      token,
      value,
      authorizationDigest,
      atMs,
      ...(fixed.renews !== null && { renews: fixed.renews }),
    };
    const perDay = parts.ceilingOf(walletId, token)?.perDay ?? 0n;
    // Others of this wallet were fixed beside this one: it is not signed and goes void.
    if (!journal.note(entry, perDay)) return { againAfterMs: 60_000 };
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
    fixedHere.delete(paymentId);
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

function walletOf(host: LaneHost, { tenant, agent, intent, quote, resource }: Payment) {
  const view = tenantOf(host.laneFor(tenant, agent).view, tenant);
  return walletFor(view, { ...intent, quote, resource }).wallet;
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

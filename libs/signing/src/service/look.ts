import { Fault, InvariantViolation } from '@countersign/kernel';
import {
  type Payment,
  SKEW_MAX_MS,
  type Wallet,
  agentOf,
  isStopped,
  nonceOf,
  tenantOf,
  walletFor,
} from '@countersign/payment';
import { withPolicyFacts } from '@countersign/policy';
import type {
  BlockRef,
  Chain,
  Clock,
  OwnerKeys,
  StatementKey,
  TypedData,
  WalletKeys,
} from '@countersign/ports';
import { type LaneHost, type TrustedKeys, factsOf, signStatement } from '@countersign/service-kit';
import {
  type Ceiling,
  type SigningCase,
  type SigningRefusal,
  passesAfterMs,
  refusalToSign,
  walletKeyName,
} from '../domain/preconditions.ts';
import type { LogGuard } from './log-guard.ts';
import { type VerifiedPolicies, signedRecordsOf } from './records.ts';
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

/** What signing takes beside what the signer is given. */
export interface Guarded extends SignerParts {
  readonly guard: LogGuard;
  readonly policies: VerifiedPolicies;
  /** When this process recorded an authorization, by its digest and the monotonic clock. */
  readonly fixedHere: Map<string, number>;
}

/**
 * Looks at everything that must hold before an authorization is recorded; refuses what is refused for good.
 *
 * @returns what the window derives from, or when to look again.
 * @throws Fault `clock_skew`, and what {@link LogGuard.check} throws.
 */
export async function lookAt(
  parts: Guarded,
  payment: Payment,
): Promise<
  { readonly wallet: Wallet; readonly head: BlockRef } | { readonly againAfterMs: number }
> {
  const { host, clock, policies, guard, journal } = parts;
  const { tenant, agent, id: paymentId, quote, phase } = payment;
  const lane = host.laneFor(tenant, agent);
  // A stop may stand in control that this lane has not been marked with yet.
  const end = await host.controlEnd();
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
  if (refusal) {
    const ageMs = 'decision' in phase ? clock.nowMs() - phase.decision.atMs : 0;
    const againAfterMs = passesAfterMs(refusal, ageMs);
    return againAfterMs === undefined
      ? refuse(parts, payment, decisionId, refusal)
      : { againAfterMs };
  }
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

function walletOf(host: LaneHost, { tenant, agent, intent, quote, resource }: Payment) {
  const view = tenantOf(host.laneFor(tenant, agent).view, tenant);
  return walletFor(view, { ...intent, quote, resource }).wallet;
}

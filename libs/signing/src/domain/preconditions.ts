import {
  type EventData,
  type Facts,
  type PolicyDocument,
  type SigningRefusalCode,
  findAsset,
  quoteDigest,
} from '@countersign/contracts';
import { canonicalText, digestOf } from '@countersign/kernel';
import { type Payment, type PhaseOf, nonceOf } from '@countersign/payment';
import { RULES_VERSION, replayDecision, satisfiedBy } from '@countersign/policy';
import type { InForce } from './policies-in-force.ts';

/** A record the signer relies on, with whether its signature was by the service that may say it. */
export interface Checked<T> {
  readonly id: string;
  readonly data: T;
  readonly genuine: boolean;
}

/** Most a wallet may sign away, from the signer's own configuration: no record can raise it. Atomic units. */
export interface Ceiling {
  readonly perPayment: bigint;
  readonly perDay: bigint;
}

/** Everything the signer looks at. It trusts nobody's conclusion: it draws its own from these. */
export interface SigningCase {
  readonly payment: Payment;
  readonly decision: Checked<EventData<'decision.made'>> | undefined;
  /** The decision people were asked under, for a claim. */
  readonly asked: Checked<EventData<'decision.made'>> | undefined;
  /** The policy that one names, if the signer ever went by it. */
  readonly askedPolicy: PolicyDocument | undefined;
  readonly grants: readonly Checked<EventData<'approval.granted'>>[];
  /** Policy in force by the signer's own fold, with its activation verified. */
  readonly policy: InForce | null;
  /** Facts established again from the signer's own fold. */
  readonly facts: Facts;
  readonly ceiling: Ceiling | undefined;
  /** What this wallet may have signed away in the last 24 hours, by the signer's own journal. */
  readonly countedToday: bigint;
  readonly frozen: boolean;
  /** The signer's own clock. */
  readonly nowMs: number;
}

/** Why a payment is not signed; final for the payment, unless it passes (see {@link passesAfterMs}). */
export interface SigningRefusal {
  readonly code: SigningRefusalCode;
  readonly why: string;
}

/**
 * While services are brought to another version, what was allowed under other rules waits: a change of its tenant has it
 * decided again. Without any it would wait for ever, so then it is refused, and the agent may propose anew.
 */
const RULES_DIFFER_MAX_MS = 600_000;

/**
 * When to look again at what passes by itself; undefined where the refusal is final.
 *
 * @param ageMs of the decision.
 */
export function passesAfterMs({ code }: SigningRefusal, ageMs: number): number | undefined {
  if (code === 'veto_window_open') return 100;
  return code === 'rules_differ' && ageMs < RULES_DIFFER_MAX_MS ? 1_000 : undefined;
}

const no = (code: SigningRefusalCode, why: string): SigningRefusal => ({ code, why });

/**
 * Invariants 1, 2 and 5, checked where the key is: an allowance for exactly this quote under the policy in force, what
 * people were asked is complete, nothing is stopped, and no ceiling is passed.
 *
 * @returns undefined when the authorization may be fixed, or that of a signed payment renewed.
 */
export function refusalToSign(the: SigningCase): SigningRefusal | undefined {
  const { payment, decision } = the;
  const { phase } = payment;
  if (phase.status !== 'authorized' && phase.status !== 'signed')
    return no('not_authorized', 'nothing allows it');
  if (the.frozen) return no('frozen', 'payments of this agent are stopped');
  if (!decision?.genuine || decision.id !== phase.decision.id)
    return no('decision_unverified', 'the decision is not signed by policy');
  const refusal = decisionRefusal(the, decision.data);
  if (refusal) return refusal;
  // Renewed, it has the nonce and terms of what people were asked about and this signer has signed: nothing more is paid.
  return phase.status === 'signed'
    ? ceilingRefusal(the, 0n)
    : (peopleRefusal(the, phase, decision.data) ?? authorizationRefusal(the));
}

function decisionRefusal(
  the: SigningCase,
  { decision, paymentId, round }: EventData<'decision.made'>,
): SigningRefusal | undefined {
  const { payment, policy } = the;
  if (paymentId !== payment.id || round !== payment.round)
    return no('decision_unverified', 'the decision is about another payment or round');
  if (policy && 'refused' in policy)
    return no('policy_not_believed', `the policy in force is not believed: ${policy.refused}`);
  if (!policy || decision.policy?.hash !== policy.hash)
    return no('policy_not_in_force', 'it was decided under another policy than the one in force');
  if (canonicalText(decision.facts) !== canonicalText(the.facts))
    return no('facts_changed', 'what was decided on is not what the log says now');
  // By older rules it could be made milder. Of a signed payment, these were the rules when it was signed.
  if (payment.phase.status !== 'signed' && (decision.rules ?? 1) !== RULES_VERSION)
    return no('rules_differ', 'it was decided by the rules of another version');
  const again = replayDecision(policy.document, decision);
  if (!again.agrees)
    return no('decision_not_replayed', `re-run, it comes out as ${again.verdict.outcome}`);
  if (decision.verdict.outcome === 'deny') return no('denied', 'the decision denies it');
  return undefined;
}

function peopleRefusal(
  the: SigningCase,
  phase: PhaseOf<'authorized'>,
  { decision }: EventData<'decision.made'>,
): SigningRefusal | undefined {
  const { completed } = phase;
  if (decision.verdict.outcome === 'allow' && !completed) return undefined;
  if (!completed) return no('approval_missing', 'people have not been asked');
  const { asked, payment } = the;
  if (!asked?.genuine || asked.id !== completed.decisionId)
    return no('approval_unverified', 'the decision people were asked under is not verified');
  // Signed by policy it may be, but what is asked of people follows from a text that the signer went by.
  if (!the.askedPolicy || !replayDecision(the.askedPolicy, asked.data.decision).agrees)
    return no('approval_unverified', 'what people were asked does not follow from the policy');
  const { requirement } = asked.data.decision.verdict;
  const terms = quoteDigest(payment.quote, payment.resource);
  const { quote, resource } = asked.data.decision.facts;
  if (terms !== quoteDigest(quote, resource))
    return no('terms_changed', 'the quote is not the one people were asked about');
  const counted = new Set(completed.grants.map((grant) => grant.person));
  const grantedBy = genuineGrants(the, terms, asked.id).filter((person) => counted.has(person));
  if (requirement.kind === 'quorum') {
    const asApprover = grantedBy.filter((person) => requirement.approvers.includes(person));
    if (asApprover.length < requirement.quorum)
      return no(
        'approval_missing',
        `${asApprover.length} of ${requirement.quorum} grants are genuine`,
      );
  }
  if (requirement.kind === 'veto_window') {
    const opened = completed.openedAtMs;
    if (opened === null || the.nowMs < opened + requirement.windowMs)
      return no('veto_window_open', 'the veto window has not ended by the signer’s clock');
  }
  return decision.verdict.outcome === 'allow' ||
    satisfiedBy(decision.verdict, { requirement, grantedBy })
    ? undefined
    : no('approval_missing', 'the policy in force asks for more than people gave');
}

/** Distinct people whose grant over exactly these terms is signed by approval. */
function genuineGrants(the: SigningCase, terms: string, decisionId: string): string[] {
  const genuine = the.grants.filter(
    ({ genuine: signed, data }) =>
      signed &&
      data.paymentId === the.payment.id &&
      data.quoteDigest === terms &&
      data.decisionId === decisionId,
  );
  return [...new Set(genuine.map(({ data }) => data.person))];
}

function authorizationRefusal(the: SigningCase): SigningRefusal | undefined {
  const { quote } = the.payment;
  if (quote.scheme !== 'exact') return no('scheme_not_supported', 'only "exact" is signed');
  if (!findAsset(quote.network, quote.asset)) return no('asset_unknown', 'the token is not known');
  return ceilingRefusal(the, the.countedToday);
}

/** @param others what counts for today beside the payment. */
function ceilingRefusal(the: SigningCase, others: bigint): SigningRefusal | undefined {
  const { ceiling, payment } = the;
  if (!ceiling) return no('no_ceiling', 'the signer has no ceiling for this wallet and token');
  const amount = BigInt(payment.quote.amount);
  if (amount > ceiling.perPayment) return no('over_ceiling', 'over the wallet’s payment ceiling');
  if (others + amount > ceiling.perDay) return no('over_ceiling', 'over its daily ceiling');
  return undefined;
}

/**
 * Name of a wallet's key. Two tenants may call their wallets the same; their keys must not be.
 */
export function walletKeyName(tenant: string, wallet: string): string {
  return `${wallet.slice(0, 40)}-${digestOf('countersign/wallet/1', { tenant, wallet }).slice(0, 16)}`;
}

/**
 * The one authorization of a payment. Its window derives from chain time, because the token compares with chain time.
 *
 * @param maxLifetimeMs from the verdict; the seller's own time-out may only shorten it.
 */
export function authorizationFor(
  payment: Payment,
  wallet: { readonly address: string },
  head: { readonly timeMs: number },
  maxLifetimeMs: number,
): EventData<'authorization.fixed'>['authorization'] {
  const { quote } = payment;
  const seconds = Math.min(Math.floor(maxLifetimeMs / 1000), quote.maxTimeoutSeconds);
  return {
    chainId: Number(quote.network.slice('eip155:'.length)),
    token: quote.asset,
    from: wallet.address,
    to: quote.payTo,
    value: quote.amount,
    nonce: nonceOf(payment.tenant, payment.id),
    validAfter: 0,
    validBefore: Math.floor(head.timeMs / 1000) + seconds,
  };
}

import { type Decision, type EventData, quoteDigest } from '@countersign/contracts';
import { canonicalText } from '@countersign/kernel';
import { tenantOf } from '@countersign/payment';
import { replayDecision } from '@countersign/policy';
import type { History, SeenOf } from '../history.ts';
import type { World } from '../world.ts';
import { type Claim, claimOf } from './claim.ts';
import type { MakeInvariant } from './invariant.ts';

/** Chain, log and signer may each be a little off; the signer itself tolerates 30 s. */
const WINDOW_TOLERANCE_MS = 15_000;

/**
 * Invariants 1 and 8: at the moment of a signature, the log holds a genuine decision for exactly this quote under the
 * policy in force where the authorization was fixed; and what it asked of people, those very people did.
 */
export const authority: MakeInvariant = (world, report) => ({
  onSignature({ meaning, digest }) {
    if (!meaning) return report(`a wallet signed ${digest}, which is no message of ours`);
    if (meaning.kind === 'rotation') return;
    if (meaning.kind === 'cancellation') {
      const known = world.history.paymentOfNonce(meaning.nonce);
      if (known === undefined) report(`a cancellation of an unknown nonce was signed`);
      return;
    }
    const claim = claimOf(world.history, meaning.authorization);
    // That a claim must be there is said by `single`.
    if (typeof claim === 'string') return;
    const wrong = wrongWith(world, claim);
    if (wrong !== undefined) report(`${claim.paymentId} was signed: ${wrong}`);
  },
});

/**
 * Invariant 1, as far as it holds when somebody has the key of approval: where m of n were to grant, m people did, with
 * their own hands.
 */
export const quorum: MakeInvariant = (world, report) => ({
  onSignature({ meaning }) {
    if (meaning?.kind !== 'transfer') return;
    const claim = claimOf(world.history, meaning.authorization);
    if (typeof claim === 'string') return;
    const { before, made } = decidedFor(world, claim);
    if (made?.event.data.decision.verdict.requirement.kind !== 'quorum') return;
    const wrong = peopleMissing(world, claim, { made, before });
    if (wrong !== undefined) report(`${claim.paymentId} was signed: ${wrong}`);
  },
});

function wrongWith(world: World, claim: Claim): string | undefined {
  const { history } = world;
  const { before, made } = decidedFor(world, claim);
  if (!made) return 'no genuine decision stands before the authorization';
  const { decision } = made.event.data;
  return (
    termsDiffer(history, claim, decision) ??
    policyDiffers(history, claim, decision) ??
    windowTooLong(claim, decision) ??
    peopleMissing(world, claim, { made, before })
  );
}

/** The genuine decisions before an authorization, and the one it rests on. */
function decidedFor({ history }: World, { fixed, paymentId, decisionId }: Claim) {
  const { lane, offset } = fixed.record;
  const before = history
    .named(paymentId, 'decision.made')
    .filter((it) => it.genuine && it.record.lane === lane && it.record.offset < offset);
  return { before, made: before.find((it) => it.event.id === decisionId) };
}

function termsDiffer(history: History, claim: Claim, { facts }: Decision): string | undefined {
  const { tenant, agent, fixed, intent, lane } = claim;
  const { authorization } = fixed.event.data;
  const { quote, resource } = facts;
  if (facts.tenant !== tenant || facts.agent !== agent) return 'it was decided for somebody else';
  const same =
    `eip155:${authorization.chainId}` === quote.network &&
    authorization.token === quote.asset &&
    authorization.value === quote.amount &&
    authorization.to === quote.payTo;
  if (!same) return `what was decided is ${canonicalText(quote)}`;
  if (canonicalText(resource) !== canonicalText(intent.event.data.resource))
    return 'another resource was decided';
  const view = tenantOf(history.viewBefore(lane, fixed.record.offset), tenant);
  const owned = view.agents.get(agent)?.wallets.map((id) => view.wallets.get(id)) ?? [];
  const wallet = owned.find((it) => it?.address === authorization.from);
  if (!wallet) return 'it is not the agent’s wallet';
  if (wallet.kind === 'eoa-secp256k1') return undefined;
  if (facts.kind === 'payment' && facts.established.seller === 'unknown')
    return 'nobody registered a seller that takes smart accounts';
  if (wallet.rotatingSince !== null) return 'the account was being given to another key';
  return wallet.accounts.has(quote.network) ? undefined : 'no account is known to stand there';
}

function policyDiffers(history: History, claim: Claim, decision: Decision): string | undefined {
  const { tenant, lane, fixed } = claim;
  const { active } = tenantOf(history.viewBefore(lane, fixed.record.offset), tenant);
  if (!active) return 'no policy was in force';
  if (decision.policy?.hash !== active.hash)
    return `it was decided under version ${decision.policy?.version}, and ${active.version} was in force`;
  const document = history.document(tenant, active.hash);
  if (!document) return 'the policy in force is not in the log';
  const again = replayDecision(document, decision);
  return again.agrees ? undefined : `re-run, the decision is ${again.verdict.outcome}`;
}

function windowTooLong({ fixed }: Claim, { verdict }: Decision): string | undefined {
  const { validAfter, validBefore } = fixed.event.data.authorization;
  const mostMs = fixed.laneMs + verdict.maxLifetimeMs + WINDOW_TOLERANCE_MS;
  if (validAfter !== 0) return `it is valid after ${validAfter}`;
  return validBefore * 1_000 > mostMs ? 'it is valid for longer than was decided' : undefined;
}

type Made = SeenOf<'decision.made'>;

function peopleMissing(
  world: World,
  claim: Claim,
  { made, before }: { made: Made; before: readonly Made[] },
): string | undefined {
  const { verdict } = made.event.data.decision;
  if (verdict.outcome === 'allow') return undefined;
  if (verdict.outcome === 'deny') return 'it was denied';
  const asked = before.filter(
    (it) => it.record.offset < made.record.offset && asksTheSame(it, made),
  );
  return asked.some((it) => isDone(world, claim, { asked: it, made }))
    ? undefined
    : `people did not do what was asked: ${canonicalText(verdict.requirement)}`;
}

function asksTheSame(one: Made, other: Made): boolean {
  const termsOf = ({ event }: Made) => {
    const { quote, resource } = event.data.decision.facts;
    return quoteDigest(quote, resource);
  };
  return one.event.data.decision.verdict.outcome === 'review' && termsOf(one) === termsOf(other);
}

/** Whether people did what `asked` asks, in time, and thereby all that `made` asks. */
function isDone(
  world: World,
  { paymentId }: Claim,
  { asked, made }: { asked: Made; made: Made },
): boolean {
  const { history, acts } = world;
  const wanted = asked.event.data.decision.verdict.requirement;
  const fresh = made.event.data.decision.verdict.requirement;
  const between = ({ record }: { record: { lane: string; offset: number } }) =>
    record.lane === made.record.lane &&
    record.offset > asked.record.offset &&
    record.offset < made.record.offset;
  const decisionId = asked.event.id;
  if (wanted.kind === 'veto_window') {
    const told = acts.count(`told/${decisionId}`) > 0;
    const opened = history.named(paymentId, 'approval.opened').find(between);
    const claimed = history.named(paymentId, 'payment.claimed').findLast(between);
    if (!told || !opened || !claimed) return false;
    if (claimed.laneMs < opened.laneMs + wanted.windowMs) return false;
    return fresh.kind === 'veto_window' && wanted.windowMs >= fresh.windowMs;
  }
  if (wanted.kind !== 'quorum') return false;
  const { quote, resource } = asked.event.data.decision.facts;
  const isGrant = ({ person, quoteDigest: shown, decisionId: on }: EventData<'approval.granted'>) =>
    on === decisionId &&
    shown === quoteDigest(quote, resource) &&
    wanted.approvers.includes(person) &&
    acts.count(`grant/${paymentId}/${person}/${decisionId}`) > 0;
  const people = new Set(
    history
      .named(paymentId, 'approval.granted')
      .filter((it) => between(it) && it.genuine && isGrant(it.event.data))
      .filter((it) => it.laneMs < asked.laneMs + wanted.timeoutMs)
      .map((it) => it.event.data.person),
  );
  if (people.size < wanted.quorum) return false;
  if (fresh.kind !== 'quorum') return true;
  return [...people].filter((it) => fresh.approvers.includes(it)).length >= fresh.quorum;
}

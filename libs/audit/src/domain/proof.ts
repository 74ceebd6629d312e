import {
  type Authorization,
  type Decision,
  type EventName,
  type EventOf,
  type PolicyDocument,
  type ProofBundle,
  type ProvenRecord,
  quoteDigest,
} from '@countersign/contracts';
import { sha256Hex } from '@countersign/kernel';
import { digestOfAuthorization, nonceOf } from '@countersign/payment';
import { replayDecision } from '@countersign/policy';
import { type Proven, ProvenPayment } from './bundle.ts';
import { type IsByHolder, consentTo } from './consent.ts';
import { leafHash, rootAbove } from './merkle.ts';

/** What whoever checks brings along: keys, and what is done with them. */
export interface Trust {
  /** What the recorder signed; undefined for a note that it did not. */
  readonly openCheckpoint: (
    note: string,
  ) => { readonly logId: string; readonly size: number; readonly root: string } | undefined;
  /** Whether a record is signed by the service that may write it, or of a kind that is not signed. */
  readonly isGenuine: (event: EventOf<EventName>, stampMs: number) => boolean;
  readonly isByHolder: IsByHolder;
  /** @throws where the text is no policy. */
  readonly parsePolicy: (text: string) => PolicyDocument;
}

/** One claim about a payment, and whether it holds. */
export interface Finding {
  readonly claim: string;
  readonly holds: boolean;
  /** What was found, or what is wrong. */
  readonly says: string;
}

/** What a wallet is said to have signed. */
export interface Presented {
  readonly authorization: Authorization;
  readonly bytes: string;
}

export interface CheckedProof {
  readonly findings: readonly Finding[];
  /** By leaf. */
  readonly story: readonly { readonly atMs: number; readonly event: EventOf<EventName> }[];
  /** Of these the wallet's signature is still to be checked. */
  readonly presented: readonly Presented[];
}

/**
 * Checks a bundle from nothing but itself and the keys somebody trusts. That a claim does not hold says that the payment
 * was not as it is told, or that the keys are others; that all hold says that the log held exactly this when the
 * checkpoint was signed. What the log held beside it cannot be told from a bundle.
 */
export function checkProof(bundle: ProofBundle, trust: Trust): CheckedProof {
  const log = logFinding(bundle, trust);
  const about = new ProvenPayment(bundle);
  const findings = [
    ...log,
    recordsFinding(bundle, about, trust),
    ...decisionFindings(about, trust),
    ...authorizationFindings(about, trust),
    chainFinding(about),
  ];
  const story = about.all.map(({ event, record }) => ({ atMs: record.stampMs, event }));
  return { findings, story, presented: presentedIn(about) };
}

/** One altered record makes much else wrong; so many are told. */
const TOLD_MAX = 3;

/** A claim that holds if nothing is wrong. */
function finding(claim: string, wrong: readonly string[], says: string): Finding {
  if (wrong.length === 0) return { claim, holds: true, says };
  const more = wrong.length > TOLD_MAX ? [`and ${wrong.length - TOLD_MAX} more`] : [];
  return { claim, holds: false, says: [...wrong.slice(0, TOLD_MAX), ...more].join('; ') };
}

function logFinding({ checkpoint, records }: ProofBundle, trust: Trust): readonly Finding[] {
  const signed = 'the recorder signed the checkpoint';
  const held = 'the log held every record under it';
  const opened = trust.openCheckpoint(checkpoint);
  if (!opened)
    return [
      finding(signed, ['it is not signed with the recorder’s key'], ''),
      finding(held, ['there is no checkpoint to compare with'], ''),
    ];
  const { logId, size, root } = opened;
  const wrong = records.flatMap((record, index) => {
    const { leaf, lane, offset, stampMs, key, bytes, path } = record;
    const encoded = new TextEncoder().encode(bytes);
    const hash = leafHash({ lane, offset, stampMs, key, bytes: encoded });
    const isThere = rootAbove(hash, { leaf, size }, path) === root;
    const isNext = index === 0 || leaf > (records[index - 1]?.leaf ?? 0);
    return isThere && isNext ? [] : [`${lane}:${offset} is not leaf ${leaf} of it`];
  });
  return [
    finding(signed, [], `log ${logId}, ${size} records, root ${root}`),
    finding(held, wrong, `${records.length} records`),
  ];
}

/** Records that a bundle may hold beside those of the payment. */
const BESIDE: readonly EventName[] = ['policy.put', 'policy.activated', 'person.added'];

function recordsFinding(bundle: ProofBundle, about: ProvenPayment, trust: Trust): Finding {
  const { all, intent, paymentId } = about;
  const wrong: string[] = [];
  if (all.length < bundle.records.length) wrong.push('not every record is an event');
  if (!intent) wrong.push('nothing says what was asked for');
  for (const { event, record } of all) {
    const at = `${record.lane}:${record.offset} (${event.name})`;
    const isOfPayment = 'paymentId' in event.data && event.data.paymentId === paymentId;
    if (!isOfPayment && !BESIDE.includes(event.name)) wrong.push(`${at} is not of this payment`);
    if (intent && !('tenant' in event.data && event.data.tenant === intent.tenant))
      wrong.push(`${at} is of another tenant`);
    if (!trust.isGenuine(event, record.stampMs))
      wrong.push(`${at} is not signed by the service that may write it`);
  }
  const signed = all.filter(({ event }) => 'signature' in event.data).length;
  const says = `${signed} signed, ${all.length - signed} of kinds that are not`;
  return finding('each was written by the service that may', wrong, says);
}

function decisionFindings(about: ProvenPayment, trust: Trust): readonly Finding[] {
  const decisions = about.named('decision.made');
  const claim = 'run again, each decision comes out the same';
  if (decisions.length === 0) return [finding(claim, [], 'nothing has been decided')];
  return decisions.map((decided) => {
    const { decision, round } = decided.event.data;
    const { outcome, tier } = decision.verdict;
    const policy = decision.policy
      ? `policy version ${decision.policy.version} (${decision.policy.hash.slice(0, 12)})`
      : 'no policy';
    const says = `round ${round}: ${outcome}${tier === null ? '' : `, tier ${tier}`}, by ${policy}`;
    return finding(claim, wrongIn(about, decided, trust), says);
  });
}

/** What is wrong with a decision: its policy, what it was about, or what follows from both. */
function wrongIn(
  about: ProvenPayment,
  { event, record }: Proven<'decision.made'>,
  trust: Trust,
): string[] {
  const { decision, proceed, round } = event.data;
  const { facts, verdict } = decision;
  const wrong: string[] = [];
  const { intent } = about;
  const claimed = about.named('payment.claimed').find((it) => it.event.data.round === round);
  const asked = claimed?.event.data ?? intent;
  const isAsked =
    asked && quoteDigest(asked.quote, asked.resource) === quoteDigest(facts.quote, facts.resource);
  if (!isAsked || facts.agent !== intent?.agent || facts.tenant !== intent.tenant)
    wrong.push('it is about something else than was asked for');
  const { outcome } = verdict;
  const goesOn = proceed === 'authorize' ? outcome !== 'deny' : outcome === 'review';
  if (proceed !== 'end' && !goesOn) wrong.push(`${proceed} does not follow from ${outcome}`);
  const policy = policyOf(about, decision, record, trust);
  if (typeof policy === 'string') return [...wrong, policy];
  const replay = replayDecision(policy, decision);
  if (!replay.agrees) wrong.push(`run again, it comes out as ${replay.verdict.outcome}`);
  return wrong;
}

/** The policy a decision names, from the very bytes; null where it names none. What is wrong, where something is. */
function policyOf(
  about: ProvenPayment,
  { policy }: Decision,
  at: ProvenRecord,
  trust: Trust,
): PolicyDocument | null | string {
  if (!policy) return null;
  const { hash, version } = policy;
  const put = about.named('policy.put').find(({ event: { data } }) => data.hash === hash);
  if (put?.event.data.version !== version || sha256Hex(put.event.data.text) !== hash)
    return `the text of policy version ${version} is not there`;
  const isActive = about
    .named('policy.activated')
    .some((it) => it.event.data.hash === hash && it.record.stampMs <= at.stampMs);
  if (!isActive) return `policy version ${version} had not been activated`;
  try {
    return trust.parsePolicy(put.event.data.text);
  } catch {
    return `the text of policy version ${version} is no policy`;
  }
}

function authorizationFindings(about: ProvenPayment, trust: Trust): readonly Finding[] {
  const [fixed] = about.named('authorization.fixed');
  const [consented, terms] = [
    'people consented as policy asks',
    'what was signed is what was decided',
  ];
  if (!fixed)
    return [
      finding(
        terms,
        about.authorizations.map(() => 'nothing was fixed'),
        'nothing was signed',
      ),
    ];
  const decided = about
    .named('decision.made')
    .find(({ event }) => event.id === fixed.event.data.decisionId);
  if (!decided) return [finding(terms, ['the decision it names is not there'], '')];
  const { facts, verdict } = decided.event.data.decision;
  const { quote, established } = facts;
  const wrong = verdict.outcome === 'deny' ? ['the decision denies it'] : [];
  for (const authorization of about.authorizations) {
    const { chainId, token, from, to, value, nonce } = authorization;
    const isSame =
      `eip155:${chainId}` === quote.network &&
      token === quote.asset &&
      to === quote.payTo &&
      value === quote.amount &&
      from === established.wallet?.address &&
      nonce === nonceOf(facts.tenant, about.paymentId);
    if (!isSame) wrong.push('an authorization pays something else than was decided');
  }
  const says = `${quote.amount} atomic units of ${quote.asset} to ${quote.payTo} on ${quote.network}`;
  return [
    finding(consented, ...consentTo(about, fixed, decided, trust.isByHolder)),
    finding(terms, wrong, says),
  ];
}

function presentedIn(about: ProvenPayment): readonly Presented[] {
  return about.named('signing.completed').flatMap(({ event: { data } }) => {
    const authorization = about.authorizations.find(
      (it) => digestOfAuthorization(it) === data.authorizationDigest,
    );
    return authorization ? [{ authorization, bytes: data.bytes }] : [];
  });
}

function chainFinding(about: ProvenPayment): Finding {
  const claim = 'what became of it is on record';
  const [final] = about.named('settlement.final');
  const [mismatched] = about.named('settlement.mismatched');
  if (mismatched)
    return finding(
      claim,
      [`its nonce paid for something else: ${mismatched.event.data.found}`],
      '',
    );
  if (final) {
    const { transactionHash, block } = final.event.data.transfer;
    const wrong = about.authorizations.length > 0 ? [] : ['it was paid and never authorized'];
    return finding(
      claim,
      wrong,
      `paid in ${transactionHash}, block ${block.number} (${block.hash})`,
    );
  }
  if (about.named('authorization.canceled').length > 0)
    return finding(claim, [], 'canceled: never paid');
  if (about.named('authorization.void').length > 0)
    return finding(claim, [], 'void: it ran out unpaid');
  const isSigned = about.named('authorization.fixed').length > 0;
  return finding(claim, [], isSigned ? 'open: nothing final yet' : 'nothing was paid');
}

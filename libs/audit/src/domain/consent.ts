import { type EventData, quoteDigest } from '@countersign/contracts';
import { satisfiedBy } from '@countersign/policy';
import type { Proven, ProvenPayment } from './bundle.ts';

/** Whether whoever has this key signed the grant. */
export type IsByHolder = (grant: EventData<'approval.granted'>, publicKey: string) => boolean;

/**
 * People's consent to what was signed.
 *
 * @returns what is wrong with it, and what it was.
 */
export function consentTo(
  about: ProvenPayment,
  fixed: Proven<'authorization.fixed'>,
  decided: Proven<'decision.made'>,
  isByHolder: IsByHolder,
): readonly [wrong: readonly string[], says: string] {
  const { verdict, facts } = decided.event.data.decision;
  if (verdict.outcome === 'allow') return [[], 'nobody had to be asked'];
  const asked = about
    .named('decision.made')
    .find(
      ({ event }) => event.data.proceed === 'ask' && event.data.round <= decided.event.data.round,
    );
  if (!asked) return [['nobody was asked'], ''];
  const { requirement } = asked.event.data.decision.verdict;
  const { quote, resource } = asked.event.data.decision.facts;
  const terms = quoteDigest(quote, resource);
  if (terms !== quoteDigest(facts.quote, facts.resource))
    return [['people were asked about other terms'], ''];
  const vetoed = about
    .named('approval.vetoed')
    .some(({ record }) => record.leaf < fixed.record.leaf);
  const grantedBy = [
    ...new Set(
      about
        .named('approval.granted')
        .filter(
          ({ event: { data } }) => data.quoteDigest === terms && data.decisionId === asked.event.id,
        )
        .filter(
          ({ event: { data }, record }) =>
            record.leaf < fixed.record.leaf && isTheirs(about, data, isByHolder),
        )
        .map(({ event }) => event.data.person),
    ),
  ];
  const wrong = vetoed ? ['it was vetoed before it was signed'] : [];
  if (!satisfiedBy(verdict, { requirement, grantedBy }))
    wrong.push('fewer people granted it than policy asks');
  if (requirement.kind === 'veto_window' && grantedBy.length === 0) {
    const opened = about.named('approval.opened').at(-1)?.record.stampMs ?? Infinity;
    if (opened + requirement.windowMs > fixed.record.stampMs)
      wrong.push('the veto window was still open');
    return [wrong, `nobody vetoed it in ${requirement.windowMs / 1000} s`];
  }
  return [wrong, `granted by ${grantedBy.join(' and ') || 'nobody'}`];
}

/** Whoever has a key on record signs with it what they grant; of others the service's word is all there is. */
function isTheirs(
  about: ProvenPayment,
  grant: EventData<'approval.granted'>,
  isByHolder: IsByHolder,
): boolean {
  const added = about
    .named('person.added')
    .filter(({ event }) => event.data.person === grant.person);
  const publicKey = added.at(-1)?.event.data.publicKey;
  return added.length > 0 && (publicKey === undefined || isByHolder(grant, publicKey));
}

import type { Change, ControlEvent, EventData, RefusalCode, Seller } from '@countersign/contracts';
import { canonicalText, unreachable } from '@countersign/kernel';
import type { TenantView } from './tenant.ts';

/** Most changes of one tenant that may wait at a time. */
export const CHANGES_MAX = 64;

type OneOf<N extends ControlEvent['name']> = Extract<ControlEvent, { name: N }>;
/** Records that may loosen, and then have to wait. */
export type ChangingEvent = OneOf<Change['kind']>;
export type ScheduleEvent = OneOf<'change.scheduled' | 'change.canceled'>;

const CHANGING: ReadonlySet<string> = new Set<Change['kind']>([
  'policy.activated',
  'seller.registered',
  'person.added',
  'agent.added',
  'agent.wallet_added',
]);

export function isChanging(event: ControlEvent): event is ChangingEvent {
  return CHANGING.has(event.name);
}

/**
 * What a change loosens, a sentence each; nothing where it only tightens. Of a policy, whose text the fold does not read,
 * the record says it, but for the wait: that is in force here, and one record could otherwise switch it off, and the next
 * one on again. A person more, an agent more, and a wallet more for an agent always loosen: each opens what nobody
 * was counted for.
 */
export function loosenedBy(
  tenant: TenantView,
  event: Pick<ChangingEvent, 'name' | 'data'>,
): readonly string[] {
  const { name, data } = event as ChangingEvent;
  switch (name) {
    case 'policy.activated':
      return tenant.active ? policyLoosened(tenant.delayMs, data) : [];
    case 'seller.registered':
      return sellerLoosened(tenant.sellers.get(data.seller.seller), data.seller);
    case 'person.added':
      return [`${data.person} may act as ${data.roles.join(', ')}`];
    case 'agent.added':
      return [`agent ${data.agent} may spend from wallet ${data.wallet}`];
    case 'agent.wallet_added':
      return [`agent ${data.agent} may spend from wallet ${data.wallet} too`];
    default:
      return unreachable(name);
  }
}

function policyLoosened(
  waitedMs: number,
  { loosens = ['it was not compared'], delayMs = 0 }: EventData<'policy.activated'>,
): readonly string[] {
  const isWaitLess = loosens.length === 0 && delayMs < waitedMs;
  return isWaitLess ? ['what loosens waits less'] : loosens;
}

/**
 * What a seller's record loosens. Trust lowered, payees taken away and a payer refused are all that only tightens: any
 * other category, jurisdiction, route or price can meet a rule that the one before did not.
 */
function sellerLoosened(before: Seller | undefined, after: Seller): string[] {
  const name = after.seller;
  if (!before) return [`seller ${name} at ${after.domain} is ${after.trust}`];
  const found: string[] = [];
  if (before.trust === 'known' && after.trust === 'verified') found.push(`${name} is verified`);
  for (const { network, address } of after.payTo)
    if (!before.payTo.some((it) => it.network === network && it.address === address))
      found.push(`${name} is paid to ${address} on ${network}`);
  if (before.domain !== after.domain) found.push(`${name} is found at ${after.domain}`);
  if (before.category !== after.category) found.push(`${name} is of category ${after.category}`);
  if (before.jurisdiction !== after.jurisdiction) found.push(`${name} is in ${after.jurisdiction}`);
  if (before.takes === 'eoa' && after.takes === 'any') found.push(`${name} takes any payer`);
  if (canonicalText(before.routes) !== canonicalText(after.routes))
    found.push(`${name} has other routes or prices`);
  return found;
}

/** The change that a record brings. */
export function changeOf(event: Pick<ChangingEvent, 'name' | 'data'>): Change {
  const { name: kind, data } = event as ChangingEvent;
  switch (kind) {
    case 'policy.activated': {
      const { version, hash, against = 0, delayMs = 0 } = data;
      return { kind, version, hash, against, delayMs };
    }
    case 'seller.registered':
      return { kind, seller: data.seller };
    case 'person.added': {
      const { person, roles, credentialDigest, publicKey } = data;
      const key = publicKey !== undefined && { publicKey };
      return { kind, person, roles, credentialDigest, ...key };
    }
    case 'agent.added': {
      const { agent, wallet, credentialDigest } = data;
      return { kind, agent, wallet, credentialDigest };
    }
    case 'agent.wallet_added':
      return { kind, agent: data.agent, wallet: data.wallet };
    default:
      return unreachable(kind);
  }
}

/** Why a record that may loosen does not apply at this log time, because of the delay or what was scheduled. */
export function refuseUnscheduled(
  tenant: TenantView,
  event: ChangingEvent,
  atMs: number,
): RefusalCode | undefined {
  const { scheduled, by } = event.data;
  if (scheduled === undefined)
    return tenant.delayMs > 0 && loosenedBy(tenant, event).length > 0 ? 'delay_needed' : undefined;
  const pending = tenant.changes.get(scheduled);
  if (!pending) return 'change_unknown';
  if (pending.by !== by || canonicalText(pending.change) !== canonicalText(changeOf(event)))
    return 'change_differs';
  return atMs < pending.dueAtMs ? 'too_early' : undefined;
}

/** Why a record about a change that waits does not apply; whether the change itself could be made is asked elsewhere. */
export function refuseSchedule(tenant: TenantView, event: ScheduleEvent): RefusalCode | undefined {
  if (event.name === 'change.canceled')
    return tenant.changes.has(event.data.change) ? undefined : 'change_unknown';
  if (tenant.delayMs === 0) return 'no_delay';
  if (tenant.changes.size >= CHANGES_MAX) return 'too_many_changes';
  const text = canonicalText(event.data.change);
  const waits = [...tenant.changes.values()].some(({ change }) => canonicalText(change) === text);
  return waits ? 'duplicate' : undefined;
}

/** The changes that wait after a record about one. */
export function evolveSchedule(
  tenant: TenantView,
  event: ScheduleEvent,
  atMs: number,
): TenantView['changes'] {
  if (event.name === 'change.canceled') return without(tenant.changes, [event.data.change]);
  const { change, loosens, by } = event.data;
  const dueAtMs = atMs + tenant.delayMs;
  const pending = { id: event.id, change, loosens, by, scheduledAtMs: atMs, dueAtMs };
  return new Map(tenant.changes).set(event.id, pending);
}

/**
 * The changes that still wait once a record came into force: not the one it brought, and none that was compared with what
 * is no more. A seller that was tightened meanwhile is not loosened by what was said before.
 */
export function changesAfter(
  changes: TenantView['changes'],
  event: ControlEvent,
): TenantView['changes'] {
  if (changes.size === 0) return changes;
  const over = [...changes.values()].filter(({ id, change }) => {
    if (isChanging(event) && event.data.scheduled === id) return true;
    if (event.name === 'policy.activated') return change.kind === 'policy.activated';
    if (change.kind !== 'seller.registered') return false;
    const { seller } = change.seller;
    if (event.name === 'seller.removed') return seller === event.data.seller;
    return event.name === 'seller.registered' && seller === event.data.seller.seller;
  });
  return over.length === 0
    ? changes
    : without(
        changes,
        over.map(({ id }) => id),
      );
}

function without(changes: TenantView['changes'], ids: readonly string[]): TenantView['changes'] {
  return new Map([...changes].filter(([id]) => !ids.includes(id)));
}

import type { EventOf, Seller } from '@countersign/contracts';
import { canonicalText } from '@countersign/kernel';
import { tenantOf } from '@countersign/payment';
import { loosenings } from '@countersign/policy';
import type { History, Seen } from '../history.ts';
import type { MakeInvariant } from './invariant.ts';

const KINDS = [
  'policy.activated',
  'seller.registered',
  'person.added',
  'agent.added',
  'agent.wallet_added',
] as const;
type Changing = EventOf<(typeof KINDS)[number]>;

/**
 * Whatever loosens has waited as long as the text of the policy in force said when it was scheduled, and nobody canceled
 * it meanwhile. What loosens is found again from the policies' texts and the registry, not from what a record says.
 */
export const patience: MakeInvariant = ({ history }, report) => ({
  onRecord(seen) {
    const { event, applied, record } = seen;
    if (!applied || !event || !isChanging(event)) return;
    const before = record.offset - 1;
    if (delayMsAt(history, event.data.tenant, before) === 0) return;
    if (!loosens(history, event, before)) return;
    const wrong = wrongWith(history, seen, event);
    if (wrong !== undefined) report(`${event.name} at ${record.offset} loosens, and ${wrong}`);
  },
});

function isChanging(event: { readonly name: string }): event is Changing {
  return (KINDS as readonly string[]).includes(event.name);
}

function wrongWith(
  history: History,
  { record, laneMs }: Seen,
  event: Changing,
): string | undefined {
  const { scheduled, tenant } = event.data;
  if (scheduled === undefined) return 'it was not scheduled';
  const earlier = history.control.slice(0, record.offset).filter(({ applied }) => applied);
  const order = earlier.find((it) => it.event?.id === scheduled);
  if (order?.event?.name !== 'change.scheduled') return 'nobody scheduled it';
  const waitMs = delayMsAt(history, tenant, order.record.offset - 1);
  if (laneMs - order.laneMs < waitMs) return `it waited ${laneMs - order.laneMs} of ${waitMs} ms`;
  const isCanceled = earlier.some(
    (it) => it.event?.name === 'change.canceled' && it.event.data.change === scheduled,
  );
  return isCanceled ? 'it was canceled' : undefined;
}

/** By the text of the policy in force at an offset of control. */
function delayMsAt(history: History, tenant: string, offset: number): number {
  const view = history.views[offset];
  const active = view && tenantOf(view, tenant).active;
  const document = active && history.document(tenant, active.hash);
  return (document?.loosening?.delaySeconds ?? 0) * 1_000;
}

function loosens(history: History, event: Changing, offset: number): boolean {
  const view = history.views[offset];
  const tenant = view && tenantOf(view, event.data.tenant);
  if (!tenant) return false;
  if (event.name === 'policy.activated') {
    const before = tenant.active && history.document(event.data.tenant, tenant.active.hash);
    const after = history.document(event.data.tenant, event.data.hash);
    return !!before && !!after && loosenings(before, after).length > 0;
  }
  if (event.name !== 'seller.registered') return true;
  const { seller } = event.data;
  const known = tenant.sellers.get(seller.seller);
  return !known || !isTighter(known, seller);
}

/** Nothing differs but trust that is lower, payees that are fewer, and payers that are fewer. */
function isTighter(before: Seller, after: Seller): boolean {
  const payees = new Set(before.payTo.map((it) => canonicalText(it)));
  const same = { trust: before.trust, payTo: before.payTo, takes: before.takes };
  return (
    canonicalText({ ...after, ...same }) === canonicalText(before) &&
    (after.trust === before.trust || after.trust === 'known') &&
    after.payTo.every((it) => payees.has(canonicalText(it))) &&
    (after.takes === before.takes || after.takes === 'eoa')
  );
}

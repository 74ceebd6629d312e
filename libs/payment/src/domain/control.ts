import type { ControlEvent, EventData, RefusalCode } from '@countersign/contracts';
import { unreachable } from '@countersign/kernel';
import {
  type ScheduleEvent,
  changesAfter,
  evolveSchedule,
  isChanging,
  loosenedBy,
  refuseSchedule,
  refuseUnscheduled,
} from './changes.ts';
import { credentialsAfter, evolveAgents } from './principals.ts';
import { evolveStops, restored, stopsRefusal } from './standing-stops.ts';
import {
  type ControlView,
  type Person,
  type TenantEvent,
  type TenantView,
  tenantOf,
  walletsOf,
} from './tenant.ts';
import { evolveWallet, isWalletEvent, madeWallet, walletRefusal } from './wallets.ts';

/** The position of the watch over outflows is recorded in steps: each record of control costs a mark in every lane. */
export const SCAN_STEP_BLOCKS = 256;

export type ControlJudgement =
  | { readonly applied: true; readonly view: ControlView }
  | { readonly applied: false; readonly code: RefusalCode; readonly view: ControlView };

/**
 * Folds one record of `control`, at its offset and with the log's own time of it. A record that does not apply moves the offset and nothing else. Whoever calls it has
 * ignored every id that stood in `control` before: a genuine order of last week, appended again, is not a new order.
 */
export function foldControl(
  view: ControlView,
  { offset, stampMs }: { readonly offset: number; readonly stampMs: number },
  event: ControlEvent,
): ControlJudgement {
  const moved = { ...view, offset, atMs: Math.max(view.atMs, stampMs) };
  const code = refusalOf(moved, event);
  if (code) return { applied: false, code, view: moved };
  return { applied: true, view: evolve(moved, offset, event) };
}

function refusalOf(view: ControlView, event: ControlEvent): RefusalCode | undefined {
  const code = refusalOfItself(view, event);
  if (code || !isChanging(event)) return code;
  return refuseUnscheduled(tenantOf(view, event.data.tenant), event, view.atMs);
}

/** Whether the record could be applied, had it not to wait. */
function refusalOfItself(view: ControlView, event: ControlEvent): RefusalCode | undefined {
  if (event.name === 'key.announced')
    return view.keys.has(event.data.keyId) ? 'duplicate' : undefined;
  if (event.name === 'outflows.scanned') {
    const { network, through } = event.data;
    const before = view.scanned.get(network);
    const isAhead = !before || through.number >= before.number + SCAN_STEP_BLOCKS;
    return isAhead ? undefined : 'duplicate';
  }
  if (event.name === 'restore.detected')
    return view.restores.has(event.data.digest) ? 'duplicate' : undefined;
  const tenant = tenantOf(view, event.data.tenant);
  if (isWalletEvent(event)) return walletRefusal(tenant.wallets.get(event.data.wallet), event);
  switch (event.name) {
    case 'person.added':
      if (tenant.people.has(event.data.person)) return 'name_taken';
      return view.credentials.has(event.data.credentialDigest) ? 'duplicate' : undefined;
    case 'agent.added':
      if (tenant.agents.has(event.data.agent)) return 'name_taken';
      if (!tenant.wallets.has(event.data.wallet)) return 'wallet_unknown';
      if (tenant.wallets.get(event.data.wallet)?.revocation) return 'wallet_revoked';
      return view.credentials.has(event.data.credentialDigest) ? 'duplicate' : undefined;
    case 'agent.wallet_added':
      return refuseFurtherWallet(tenant, event.data);
    case 'agent.credential_replaced':
      if (!tenant.agents.has(event.data.agent)) return 'agent_unknown';
      return view.credentials.has(event.data.credentialDigest) ? 'duplicate' : undefined;
    case 'agent.message_keys_set':
      return tenant.agents.has(event.data.agent) ? undefined : 'agent_unknown';
    case 'wallet.requested':
      return tenant.wallets.has(event.data.wallet) || tenant.walletsWanted.has(event.data.wallet)
        ? 'name_taken'
        : undefined;
    case 'wallet.created':
      return tenant.walletsWanted.get(event.data.wallet) === event.data.kind
        ? undefined
        : 'wallet_unknown';
    case 'wallet.frozen':
    case 'wallet.taken':
    case 'wallet.unfrozen':
    case 'restore.accepted':
    case 'facilitator.tripped':
    case 'alert.sent':
      return stopsRefusal(tenant, event);
    case 'seller.removed':
      return tenant.sellers.has(event.data.seller) ? undefined : 'seller_unknown';
    case 'policy.put':
      return event.data.version === tenant.policies.size + 1 ? undefined : 'name_taken';
    case 'policy.activated':
      return refuseActivation(tenant, event.data);
    case 'change.scheduled':
    case 'change.canceled':
      return refuseSchedule(tenant, event) ?? refusalOfScheduled(view, event);
    case 'tenant.frozen':
      return tenant.frozen ? 'duplicate' : undefined;
    case 'tenant.unfrozen':
      return tenant.frozen ? undefined : 'not_frozen';
    case 'seller.registered':
    case 'budget.epoch':
      return undefined;
    default:
      return unreachable(event);
  }
}

/** What could not be made now is not scheduled: it would only be found out when it is due. */
function refusalOfScheduled(view: ControlView, event: ScheduleEvent): RefusalCode | undefined {
  if (event.name === 'change.canceled') return undefined;
  const { tenant, by, change, loosens, signature } = event.data;
  const { kind: name, ...rest } = change;
  const made = name === 'policy.activated' ? { ...rest, loosens } : rest;
  const data = { ...made, tenant, by, signature };
  return refusalOfItself(view, { ...event, name, data } as ControlEvent);
}

function refuseFurtherWallet(
  tenant: TenantView,
  { agent, wallet: id }: EventData<'agent.wallet_added'>,
): RefusalCode | undefined {
  if (!tenant.agents.has(agent)) return 'agent_unknown';
  const wallet = tenant.wallets.get(id);
  if (!wallet) return 'wallet_unknown';
  if (wallet.revocation) return 'wallet_revoked';
  // What is revoked pays for nobody any more: another one may take its place.
  const taken = walletsOf(tenant, agent).some(
    ({ kind, revocation }) => kind === wallet.kind && !revocation,
  );
  return taken ? 'wallet_kind_taken' : undefined;
}

/**
 * The first policy of a tenant loosens nothing that was allowed by anyone else. A later one needs a second person, unless
 * it only tightens what is in force at this very record: then its author alone may stop what must not go on.
 */
function refuseActivation(
  tenant: TenantView,
  data: EventData<'policy.activated'>,
): RefusalCode | undefined {
  const put = tenant.policies.get(data.version);
  if (!put || put.hash !== data.hash) return 'policy_unknown';
  if (tenant.active?.version === data.version) return 'duplicate';
  if (data.against !== undefined && tenant.active?.version !== data.against) return 'stale_policy';
  const isCompared = data.against !== undefined;
  if (isCompared && loosenedBy(tenant, { name: 'policy.activated', data }).length === 0)
    return undefined;
  const others = [...tenant.people].filter(
    ([person, { roles }]) => person !== put.by && roles.includes('policy_author'),
  );
  return tenant.active && others.length > 0 && put.by === data.by
    ? 'second_person_needed'
    : undefined;
}

function evolve(view: ControlView, offset: number, event: ControlEvent): ControlView {
  if (event.name === 'key.announced') {
    const { keyId, service, publicKey } = event.data;
    return { ...view, keys: added(view.keys, keyId, { service, publicKey }) };
  }
  if (event.name === 'outflows.scanned') {
    const { network, through } = event.data;
    return { ...view, scanned: added(view.scanned, network, through) };
  }
  if (event.name === 'restore.detected') {
    const restores = new Set([...view.restores, event.data.digest]);
    const tenants = [...view.tenants].map(
      ([id, it]) => [id, restored(it, id, event.data)] as const,
    );
    return { ...view, restores, tenants: new Map(tenants) };
  }
  const name = event.data.tenant;
  const before = tenantOf(view, name);
  const { atMs } = view;
  const after = evolveTenant(before, { offset, atMs }, event);
  const changes = changesAfter(after.changes, event);
  const tenants = added(view.tenants, name, { ...after, changes });
  return { ...view, tenants, credentials: credentialsAfter(view.credentials, before, event) };
}

function evolveTenant(
  tenant: TenantView,
  { offset, atMs }: { readonly offset: number; readonly atMs: number },
  event: TenantEvent,
): TenantView {
  if (isWalletEvent(event)) {
    const wallet = tenant.wallets.get(event.data.wallet);
    if (!wallet) return tenant;
    const wallets = added(tenant.wallets, wallet.id, evolveWallet(wallet, { offset, atMs }, event));
    return { ...tenant, wallets };
  }
  switch (event.name) {
    case 'person.added':
      return {
        ...tenant,
        people: added(tenant.people, event.data.person, personOf(event.data)),
      };
    case 'agent.added':
    case 'agent.wallet_added':
    case 'agent.credential_replaced':
    case 'agent.message_keys_set':
      return { ...tenant, agents: evolveAgents(tenant.agents, event) };
    case 'wallet.requested': {
      const { wallet, kind = 'eoa-secp256k1' } = event.data;
      return { ...tenant, walletsWanted: added(tenant.walletsWanted, wallet, kind) };
    }
    case 'wallet.created':
      return withWallet(tenant, event);
    case 'seller.registered':
      return {
        ...tenant,
        sellers: added(tenant.sellers, event.data.seller.seller, event.data.seller),
      };
    case 'seller.removed': {
      const sellers = new Map(tenant.sellers);
      sellers.delete(event.data.seller);
      return { ...tenant, sellers };
    }
    case 'policy.put': {
      const { version, hash, text, by } = event.data;
      return { ...tenant, policies: added(tenant.policies, version, { version, hash, text, by }) };
    }
    case 'policy.activated':
      return activated(tenant, event.data);
    case 'change.scheduled':
    case 'change.canceled':
      return { ...tenant, changes: evolveSchedule(tenant, event, atMs) };
    case 'tenant.frozen':
      return { ...tenant, frozen: true, freezes: tenant.freezes + 1 };
    case 'tenant.unfrozen':
      return { ...tenant, frozen: false };
    case 'wallet.frozen':
    case 'wallet.taken':
    case 'wallet.unfrozen':
    case 'restore.accepted':
    case 'facilitator.tripped':
    case 'alert.sent':
      return evolveStops(tenant, event);
    case 'budget.epoch':
      return { ...tenant, epoch: offset };
    default:
      return unreachable(event);
  }
}

function withWallet(
  tenant: TenantView,
  event: Extract<ControlEvent, { name: 'wallet.created' }>,
): TenantView {
  const { wallet } = event.data;
  const walletsWanted = new Map(tenant.walletsWanted);
  walletsWanted.delete(wallet);
  return { ...tenant, walletsWanted, wallets: added(tenant.wallets, wallet, madeWallet(event)) };
}

function activated(
  tenant: TenantView,
  { version, delayMs = 0 }: EventData<'policy.activated'>,
): TenantView {
  return { ...tenant, active: tenant.policies.get(version) ?? null, delayMs };
}

function added<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return new Map(map).set(key, value);
}

function personOf({ roles, publicKey }: EventData<'person.added'>): Person {
  return { roles, ...(publicKey !== undefined && { publicKey }) };
}

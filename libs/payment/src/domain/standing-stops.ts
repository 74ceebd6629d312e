import type { ControlEvent, EventData, OutflowSeen, RefusalCode } from '@countersign/contracts';
import type { ControlView, TenantView, WalletFreezes } from './tenant.ts';
import { isAccount } from './wallets.ts';

const NEVER: WalletFreezes = { isFrozen: false, count: 0, countRevoked: 0, causes: new Set() };

/**
 * Whether control stops the agent's payments: everything is frozen, records were lost, or a wallet of it is frozen that
 * is not revoked.
 */
export function isStopped(view: TenantView, agent: string): boolean {
  return (
    view.frozen ||
    view.restore !== null ||
    walletsOf(view, agent).some(
      (wallet) => view.walletFreezes.get(wallet)?.isFrozen && !view.wallets.get(wallet)?.revocation,
    )
  );
}

/** How often the agent's payments were stopped by control so far. */
export function stopsOf(view: TenantView, agent: string): number {
  const freezes = walletsOf(view, agent).map((wallet) => {
    const { count, countRevoked } = view.walletFreezes.get(wallet) ?? NEVER;
    return count - countRevoked;
  });
  return freezes.reduce((sum, count) => sum + count, view.freezes);
}

function walletsOf(view: TenantView, agent: string): readonly string[] {
  return view.agents.get(agent)?.wallets ?? [];
}

/** An outflow's name: the same one, whoever sees it. */
export function outflowKey({
  network,
  transactionHash,
  logIndex,
}: Pick<OutflowSeen, 'network' | 'transactionHash' | 'logIndex'>): string {
  return `${network}/${transactionHash}/${logIndex}`;
}

/** A foreign owner's name. */
export function takingKey({
  network,
  owner,
}: Pick<EventData<'wallet.taken'>, 'network' | 'owner'>): string {
  return `${network}/${owner}`;
}

export type StopRecord = Extract<
  ControlEvent,
  {
    name:
      | 'wallet.frozen'
      | 'wallet.taken'
      | 'wallet.unfrozen'
      | 'restore.accepted'
      | 'facilitator.tripped'
      | 'alert.sent';
  }
>;

/** Why a record about what stops a tenant does not apply. */
export function stopsRefusal(view: TenantView, event: StopRecord): RefusalCode | undefined {
  switch (event.name) {
    case 'wallet.frozen': {
      const { wallet, outflow } = event.data;
      if (!view.wallets.has(wallet)) return 'wallet_unknown';
      // Lifting a freeze is not undone by looking at the same outflow again.
      const isKnown = view.walletFreezes.get(wallet)?.causes.has(outflowKey(outflow));
      return isKnown ? 'duplicate' : undefined;
    }
    case 'wallet.taken': {
      const wallet = view.wallets.get(event.data.wallet);
      if (!wallet) return 'wallet_unknown';
      if (!isAccount(wallet)) return 'wallet_kind_wrong';
      if (wallet.keys.includes(event.data.owner)) return 'not_waiting';
      const isKnown = view.walletFreezes.get(wallet.id)?.causes.has(takingKey(event.data));
      return isKnown ? 'duplicate' : undefined;
    }
    case 'wallet.unfrozen':
      return view.walletFreezes.get(event.data.wallet)?.isFrozen ? undefined : 'not_frozen';
    case 'restore.accepted':
      return view.restore === event.data.digest ? undefined : 'restore_unknown';
    case 'facilitator.tripped': {
      const { facilitator, sinceMs } = event.data;
      return sinceMs > (view.trips.get(facilitator) ?? -1) ? undefined : 'duplicate';
    }
    case 'alert.sent': {
      const { subject, code } = event.data;
      return view.alerted.has(`${subject}/${code}`) ? 'duplicate' : undefined;
    }
  }
}

/** The tenant after a record that applies. */
export function evolveStops(view: TenantView, event: StopRecord): TenantView {
  switch (event.name) {
    case 'wallet.frozen': {
      const { wallet, outflow } = event.data;
      return frozenFor(view, wallet, outflowKey(outflow));
    }
    case 'wallet.taken':
      return frozenFor(view, event.data.wallet, takingKey(event.data));
    case 'wallet.unfrozen': {
      const { wallet } = event.data;
      const before = view.walletFreezes.get(wallet) ?? NEVER;
      return withFreezes(view, wallet, { ...before, isFrozen: false });
    }
    case 'restore.accepted':
      return { ...view, restore: null };
    case 'facilitator.tripped': {
      const { facilitator, sinceMs } = event.data;
      return { ...view, trips: new Map(view.trips).set(facilitator, sinceMs) };
    }
    case 'alert.sent': {
      const { subject, code } = event.data;
      return { ...view, alerted: new Set([...view.alerted, `${subject}/${code}`]) };
    }
  }
}

/** Records were lost: the tenant waits for a person, and so does each wallet that signed what is missing. */
export function restored(
  view: TenantView,
  tenant: string,
  { digest, wallets }: EventData<'restore.detected'>,
): TenantView {
  const mine = wallets.filter((it) => it.tenant === tenant && view.wallets.has(it.wallet));
  const frozen = mine.reduce((so, { wallet }) => {
    return frozenOnce(so, wallet, so.walletFreezes.get(wallet)?.causes ?? NEVER.causes);
  }, view);
  return { ...frozen, restore: digest, freezes: frozen.freezes + 1 };
}

function frozenFor(view: TenantView, wallet: string, cause: string): TenantView {
  const before = view.walletFreezes.get(wallet) ?? NEVER;
  return frozenOnce(view, wallet, new Set([...before.causes, cause]));
}

function frozenOnce(view: TenantView, wallet: string, causes: ReadonlySet<string>): TenantView {
  const { count, countRevoked } = view.walletFreezes.get(wallet) ?? NEVER;
  return withFreezes(view, wallet, {
    isFrozen: true,
    count: count + 1,
    countRevoked: view.wallets.get(wallet)?.revocation ? countRevoked + 1 : countRevoked,
    causes,
  });
}

function withFreezes(view: TenantView, wallet: string, freezes: WalletFreezes): TenantView {
  return { ...view, walletFreezes: new Map(view.walletFreezes).set(wallet, freezes) };
}

/** Something about a tenant as a whole that people must be told of, once. */
export interface TenantAlert {
  readonly tenant: string;
  readonly subject: string;
  readonly code:
    | 'unlogged_outflow'
    | 'log_restored'
    | 'facilitator_failing'
    | 'change_scheduled'
    | 'wallet_revoked';
  readonly severity: 'critical' | 'warning';
  /** The wallet or facilitator it is about, or what a change loosens; null for everything. */
  readonly about: string | null;
}

/**
 * Alerts control owes: each wallet's every freeze and its revocation, every loss of records, each opening of a breaker,
 * and each change that loosens while it can still be canceled.
 */
export function tenantAlertsOwed(control: ControlView): readonly TenantAlert[] {
  return [...control.tenants].flatMap(([tenant, view]) => {
    const all: TenantAlert[] = [...view.walletFreezes]
      .filter(([, { isFrozen }]) => isFrozen)
      .map(([wallet, { count }]) => {
        const subject = `wallet/${wallet}/${count}`;
        return { tenant, subject, code: 'unlogged_outflow', severity: 'critical', about: wallet };
      });
    for (const { id: about, revocation } of view.wallets.values()) {
      if (!revocation) continue;
      const subject = `revocation/${about}`;
      all.push({ tenant, subject, code: 'wallet_revoked', severity: 'critical', about });
    }
    if (view.restore !== null) {
      const subject = `restore/${view.restore}`;
      all.push({ tenant, subject, code: 'log_restored', severity: 'critical', about: null });
    }
    for (const [about, sinceMs] of view.trips) {
      const subject = `facilitator/${about}/${sinceMs}`;
      all.push({ tenant, subject, code: 'facilitator_failing', severity: 'warning', about });
    }
    for (const { id, by, loosens, dueAtMs } of view.changes.values()) {
      const about = `${new Date(dueAtMs).toISOString()}, by ${by}: ${loosens.join('; ')}`;
      const subject = `change/${id}`;
      all.push({ tenant, subject, code: 'change_scheduled', severity: 'warning', about });
    }
    return all.filter(({ subject, code }) => !view.alerted.has(`${subject}/${code}`));
  });
}

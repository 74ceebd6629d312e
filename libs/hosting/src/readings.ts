import { Fault } from '@countersign/kernel';
import { type Payment, owed } from '@countersign/payment';
import { CONTROL } from '@countersign/ports';
import type { LaneHost } from '@countersign/service-kit';

/** Debts of payments as they stand, and since when each is known to be due. */
export class DebtAges {
  readonly #service: string | undefined;
  /** A payment's state gives way to another whenever anything happens to it, so this says how long nothing has. */
  readonly #knownSinceMs = new WeakMap<Payment, number>();

  /** @param service whose debts count; all of them where it is left out */
  constructor(service: string | undefined) {
    this.#service = service;
  }

  counted(host: LaneHost): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const payment of payments(host))
      for (const { kind } of this.#debts(payment)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return counts;
  }

  /** Milliseconds by kind; a debt is as old as its state and no older than its due time. */
  oldest(host: LaneHost, nowMs: number): ReadonlyMap<string, number> {
    const oldest = new Map<string, number>();
    for (const payment of payments(host)) {
      const sinceMs = this.#knownSinceMs.get(payment) ?? nowMs;
      this.#knownSinceMs.set(payment, sinceMs);
      for (const { kind, dueAtMs } of this.#debts(payment)) {
        const ageMs = nowMs - Math.max(sinceMs, dueAtMs);
        if (ageMs >= 0) oldest.set(kind, Math.max(oldest.get(kind) ?? 0, ageMs));
      }
    }
    return oldest;
  }

  #debts(payment: Payment) {
    const debts = owed(payment);
    return this.#service === undefined
      ? debts
      : debts.filter(({ service }) => service === this.#service);
  }
}

/** Records by lane that stand in the log and are not folded; undefined when the log does not say. */
export async function logLag(host: LaneHost): Promise<ReadonlyMap<string, number> | undefined> {
  const next = new Map<string, number>([[CONTROL, host.control.offset + 1]]);
  for (const lane of host.lanes) next.set(String(lane.lane), lane.next);
  try {
    const ends = await host.log.ends([...next.keys()]);
    return new Map(
      [...next].map(([lane, folded], index) => [lane, Math.max(0, (ends[index] ?? 0) - folded)]),
    );
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

/** How many of each are stopped: tenants, wallets, agents, logs that came back shorter, agents that met a bug. */
export function stopsOf(host: LaneHost): ReadonlyMap<string, number> {
  const tenants = [...host.control.tenants.values()];
  const agents = host.lanes.flatMap((lane) => [...lane.agents.values()]);
  const wallets = tenants.flatMap(({ walletFreezes }) => [...walletFreezes.values()]);
  return new Map([
    ['tenant_frozen', tenants.filter(({ frozen }) => frozen).length],
    ['wallet_frozen', wallets.filter(({ isFrozen }) => isFrozen).length],
    ['agent_frozen', agents.filter(({ frozen }) => frozen).length],
    ['log_restored', tenants.filter(({ restore }) => restore !== null).length],
    ['agent_quarantined', agents.filter(({ quarantined }) => quarantined).length],
  ]);
}

/** Every payment that is kept in memory: all that have not ended are. */
export function* payments(host: LaneHost): Iterable<Payment> {
  for (const lane of host.lanes)
    for (const agent of lane.agents.values()) yield* agent.payments.values();
}

import type { EventData } from '@countersign/contracts';
import { type AccountWallet, isAccount, takingKey, tenantOf } from '@countersign/payment';
import { type BlockRef, CONTROL, type Chain, type StatementKey } from '@countersign/ports';
import { type LaneHost, type Log, signStatement } from '@countersign/service-kit';

export interface OwnerWatchParts {
  readonly host: LaneHost;
  readonly key: StatementKey;
  readonly log: Log;
}

/** By the chain's time. A new owner shows only at a final block anyway, and what it moves shows at once. */
const LOOK_EACH_MS = 60_000;

/** Watches whose the smart accounts are: one that a key owns which no record names was taken, and its wallet is frozen. */
export class OwnerWatch {
  readonly #parts: OwnerWatchParts;
  /** Time of the last final block that was looked at, by network. */
  readonly #lookedAtMs = new Map<string, number>();

  constructor(parts: OwnerWatchParts) {
    this.#parts = parts;
  }

  /** @throws whatever the chain or the log throws; it is looked again then. */
  async look(network: string, chain: Chain, final: BlockRef): Promise<void> {
    if (final.timeMs - (this.#lookedAtMs.get(network) ?? -Infinity) < LOOK_EACH_MS) return;
    for (const [tenant, { wallets }] of this.#parts.host.control.tenants)
      for (const wallet of wallets.values())
        if (isAccount(wallet) && wallet.accounts.has(network))
          await this.#lookAt(tenant, wallet, { network, chain });
    this.#lookedAtMs.set(network, final.timeMs);
  }

  async #lookAt(
    tenant: string,
    { id, address }: AccountWallet,
    { network, chain }: { readonly network: string; readonly chain: Chain },
  ): Promise<void> {
    const { host } = this.#parts;
    const { at, account } = await chain.accounts.read(address, 'finalized');
    // A key of ours stands in the log before the chain can show it.
    await host.caughtUp(CONTROL);
    const view = tenantOf(host.control, tenant);
    const wallet = view.wallets.get(id);
    if (!account || !wallet || !isAccount(wallet) || wallet.keys.includes(account.owner)) return;
    await freezeTaken(this.#parts, { tenant, wallet: id, network, owner: account.owner, at });
  }
}

/** Freezes a wallet whose account a final block shows with an owner that no record names; once for each such owner. */
export async function freezeTaken(
  { host, key, log }: OwnerWatchParts,
  taken: Omit<EventData<'wallet.taken'>, 'signature'>,
): Promise<void> {
  const { tenant, wallet, network, owner } = taken;
  const { walletFreezes } = tenantOf(host.control, tenant);
  if (walletFreezes.get(wallet)?.causes.has(takingKey(taken))) return;
  const about = { tenant, wallet, network, owner };
  log.error(about, 'wallet frozen: its account has another owner');
  const cause = `taken/${tenant}.${wallet}/${takingKey(taken)}`;
  const data = await signStatement(key, 'wallet.taken', taken, cause);
  await host.appendControl('wallet.taken', data, { cause });
}

import type { StatementKey, WalletKeys } from '@countersign/ports';
import { type LaneHost, type Log, type Timers, signStatement } from '@countersign/service-kit';
import { walletKeyName } from '../domain/preconditions.ts';

const RETRY_MS = 1_000;

export interface WalletMakerParts {
  readonly host: LaneHost;
  readonly keys: WalletKeys;
  /** The signer's own statement key. */
  readonly key: StatementKey;
  readonly timers: Timers;
  readonly log: Log;
}

/** Owes a key to every wallet that was asked for. Making it twice gives the same key; the first record counts. */
export class WalletMaker {
  readonly #parts: WalletMakerParts;
  readonly #running = new Set<string>();
  #stop: (() => void) | undefined;

  constructor(parts: WalletMakerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#stop = this.#parts.host.onControl(() => this.#makeAll());
    this.#makeAll();
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #makeAll(): void {
    if (!this.#stop) return;
    for (const [tenant, view] of this.#parts.host.control.tenants)
      for (const wallet of view.walletsWanted) void this.#make(tenant, wallet);
  }

  async #make(tenant: string, wallet: string): Promise<void> {
    const { host, keys, key, timers, log } = this.#parts;
    const name = `${tenant}.${wallet}`;
    if (!this.#stop || this.#running.has(name)) return;
    this.#running.add(name);
    try {
      const address = await keys.create(walletKeyName(tenant, wallet));
      const made = { tenant, wallet, kind: 'eoa-secp256k1' as const, address };
      const cause = `wallet/${name}`;
      const data = await signStatement(key, 'wallet.created', made, cause);
      await host.appendControl('wallet.created', data, { cause });
    } catch (error) {
      log.error({ wallet, err: error }, 'the key of a wallet could not be made; trying again');
      timers.after(RETRY_MS, () => this.#makeAll());
    } finally {
      this.#running.delete(name);
    }
  }
}

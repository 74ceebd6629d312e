import type { WalletKeys } from '@countersign/ports';
import type { LaneHost, Log } from '@countersign/service-kit';

/** Owes a key to every wallet that was asked for. Making it twice gives the same key; the first record counts. */
export class WalletMaker {
  readonly #parts: { readonly host: LaneHost; readonly keys: WalletKeys; readonly log: Log };
  readonly #running = new Set<string>();
  #stop: (() => void) | undefined;

  constructor(parts: { host: LaneHost; keys: WalletKeys; log: Log }) {
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
    for (const [tenant, view] of this.#parts.host.control.tenants)
      for (const wallet of view.walletsWanted) void this.#make(tenant, wallet);
  }

  async #make(tenant: string, wallet: string): Promise<void> {
    const { host, keys, log } = this.#parts;
    const name = `${tenant}.${wallet}`;
    if (!this.#stop || this.#running.has(name)) return;
    this.#running.add(name);
    try {
      const address = await keys.create(wallet);
      await host.appendControl(
        'wallet.created',
        { tenant, wallet, kind: 'eoa-secp256k1', address },
        { cause: `wallet/${wallet}` },
      );
    } catch (error) {
      log.error({ wallet, err: error }, 'the key of a wallet could not be made');
    } finally {
      this.#running.delete(name);
    }
  }
}

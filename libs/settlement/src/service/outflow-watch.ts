import { type OutflowSeen, assetsOn } from '@countersign/contracts';
import { Fault } from '@countersign/kernel';
import { SCAN_STEP_BLOCKS, outflowKey, unloggedBecause } from '@countersign/payment';
import type { BlockRef, Chain, Outflow, OutflowScan, StatementKey } from '@countersign/ports';
import {
  type LaneHost,
  type Log,
  Refused,
  type Timers,
  signStatement,
} from '@countersign/service-kit';
import { OwnerWatch } from './owner-watch.ts';

export interface OutflowWatchParts {
  readonly host: LaneHost;
  readonly key: StatementKey;
  /** By CAIP-2 network. */
  readonly chains: ReadonlyMap<string, Chain>;
  readonly timers: Timers;
  readonly log: Log;
  readonly pollMs: number;
}

/** How far one look goes where the way to the newest block is long, as after an outage: what it found is kept. */
const LOOK_BLOCKS_MAX = 10_000;

interface Owner {
  readonly tenant: string;
  readonly wallet: string;
}

/**
 * Watches every outflow of our wallets, whoever caused it. One that is not in the log freezes its wallet: somebody else
 * has its key, or records of ours are lost; so does another owner of an account. What it has seen up to a final block is recorded now and then, and looked at
 * again from there on after a start.
 */
export class OutflowWatch {
  readonly #parts: OutflowWatchParts;
  readonly #owners: OwnerWatch;
  /** Next block to look at, by network: behind it everything is final and was looked at by this process. */
  readonly #next = new Map<string, number>();
  readonly #watched = new Map<string, number>();
  readonly #cancel = new Map<string, () => void>();
  #isRunning = false;

  constructor(parts: OutflowWatchParts) {
    this.#parts = parts;
    this.#owners = new OwnerWatch(parts);
  }

  start(): void {
    this.#isRunning = true;
    for (const [network, chain] of this.#parts.chains) void this.#run(network, chain);
  }

  stop(): void {
    this.#isRunning = false;
    for (const cancel of this.#cancel.values()) cancel();
  }

  async #run(network: string, chain: Chain): Promise<void> {
    if (!this.#isRunning) return;
    const { log, timers, pollMs } = this.#parts;
    try {
      await this.#look(network, chain);
    } catch (error) {
      if (!(error instanceof Fault) && !(error instanceof Refused))
        log.error({ network, err: error }, 'a bug stopped the watch over outflows');
      else log.warn({ network, code: error.code }, 'outflows could not be looked at');
    }
    if (this.#isRunning)
      this.#cancel.set(
        network,
        timers.after(pollMs, () => void this.#run(network, chain)),
      );
  }

  async #look(network: string, chain: Chain): Promise<void> {
    const final = await chain.head('finalized');
    // Before the first position no wallet of ours can have signed anything: the signer waits for it.
    if (!this.#parts.host.control.scanned.has(network)) return this.#record(network, final);
    await this.#owners.look(network, chain, final);
    while (await this.#goOn(network, chain, final));
  }

  /** Looks at the next blocks, the newest ones with the last of the final ones; whether others are to follow at once. */
  async #goOn(network: string, chain: Chain, final: BlockRef): Promise<boolean> {
    const { host } = this.#parts;
    const owners = this.#ownersOf(network);
    const recorded = host.control.scanned.get(network)?.number ?? 0;
    // A node that lags ends before the recorded position, and so does every one where that is forged: not to be gone by.
    const known = Math.min(recorded, Math.max(0, final.number - LOOK_BLOCKS_MAX));
    const fromBlock = this.#next.get(network) ?? (recorded > final.number ? known : recorded) + 1;
    const toBlock = fromBlock + LOOK_BLOCKS_MAX - 1;
    const isLast = toBlock >= final.number;
    const tokens = assetsOn(network).map((asset) => asset.address);
    const of = { tokens, wallets: [...owners.keys()], fromBlock, tag: 'latest' } as const;
    const scan: OutflowScan = isLast ? of : { ...of, toBlock };
    const { at, outflows } = await chain.outflows(scan);
    // A record that fixes an authorization stands in the log before its use can stand on the chain.
    if (outflows.length > 0) await host.caughtUpWithAll();
    const unlogged = outflows.flatMap((outflow) => {
      const why = unloggedBecause(network, outflow, host.paymentOfNonce(outflow.nonce ?? ''));
      return why === undefined ? [] : [{ network, outflow, why }];
    });
    // What was seen may have been reorganised away, and its payment ended, while the answer was under way.
    const still = unlogged.length > 0 ? (await chain.outflows(scan)).outflows : [];
    const keys = new Set(still.map((outflow) => outflowKey({ network, ...outflow })));
    for (const it of unlogged) {
      const owner = owners.get(it.outflow.from);
      if (owner && keys.has(outflowKey({ network, ...it.outflow }))) await this.#freeze(owner, it);
    }
    const through = isLast ? final : at;
    // A node that lags has shown less than what is final.
    if (at.number < Math.min(toBlock, final.number)) return false;
    this.#next.set(network, Math.max(fromBlock, through.number + 1));
    if (through.number >= recorded + SCAN_STEP_BLOCKS) await this.#record(network, through);
    return !isLast && this.#isRunning;
  }

  /** Whose each address is; a wallet that is new to us is looked at from the recorded position on. */
  #ownersOf(network: string): ReadonlyMap<string, Owner> {
    const owners = new Map(
      [...this.#parts.host.control.tenants].flatMap(([tenant, view]) =>
        [...view.wallets.values()].map((it) => [it.address, { tenant, wallet: it.id }] as const),
      ),
    );
    if (owners.size !== this.#watched.get(network)) this.#next.delete(network);
    this.#watched.set(network, owners.size);
    return owners;
  }

  async #freeze(
    { tenant, wallet }: Owner,
    { network, outflow, why }: { network: string; outflow: Outflow; why: string },
  ): Promise<void> {
    const { host, key, log } = this.#parts;
    const seen = seenOf(network, outflow);
    const known = host.control.tenants.get(tenant)?.walletFreezes.get(wallet)?.causes;
    if (known?.has(outflowKey(seen))) return;
    log.error({ tenant, wallet, transaction: outflow.transactionHash }, `wallet frozen: ${why}`);
    const cause = `${network}/${outflow.transactionHash}/${outflow.logIndex}`;
    const frozen = { tenant, wallet, outflow: seen };
    const data = await signStatement(key, 'wallet.frozen', frozen, cause);
    await host.appendControl('wallet.frozen', data, { cause });
  }

  async #record(network: string, through: BlockRef): Promise<void> {
    const { host, key } = this.#parts;
    const cause = `${network}/${through.number}`;
    const data = await signStatement(key, 'outflows.scanned', { network, through }, cause);
    await host.appendControl('outflows.scanned', data, { cause });
  }
}

function seenOf(network: string, outflow: Outflow): OutflowSeen {
  const { token, nonce, moved, transactionHash, logIndex, blockNumber } = outflow;
  const where = { transactionHash, logIndex, blockNumber };
  const to = moved?.to ?? null;
  return { network, token, nonce, to, value: moved?.value.toString() ?? null, ...where };
}

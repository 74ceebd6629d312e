import { assetsOn } from '@countersign/contracts';
import { Fault, digestOf } from '@countersign/kernel';
import { type LaneState, fixedOf, outflowKey, unloggedBecause } from '@countersign/payment';
import type { Chain, StatementKey } from '@countersign/ports';
import {
  type LaneHost,
  type Log,
  Refused,
  type Timers,
  signStatement,
} from '@countersign/service-kit';
import { lostOf } from '../domain/lost.ts';
import { walletKeyName } from '../domain/preconditions.ts';
import type { Known, SigningJournal } from './signing-journal.ts';

export interface LogGuardParts {
  readonly host: LaneHost;
  readonly journal: SigningJournal;
  /** By CAIP-2 network. */
  readonly chains: ReadonlyMap<string, Chain>;
  /** The signer's own statement key. */
  readonly key: StatementKey;
  readonly timers: Timers;
  readonly log: Log;
}

const RETRY_MS = 2_000;

/** After so many signatures looked for in the log, others of the process have their turn. */
const LOOKED_FOR_AT_ONCE = 1_000;

/**
 * Lets nothing be signed until log, journal and chain agree. A log that came back as an older copy of itself has lost
 * stops, limits and signatures: the signer's own journal shows it, or money on the chain that no record explains.
 */
export class LogGuard {
  readonly #parts: LogGuardParts;
  #lostAt: Promise<number> | undefined;
  #isRunning = false;
  #cancel: (() => void) | undefined;
  readonly #chainAgrees = new Map<string, Promise<void>>();

  constructor(parts: LogGuardParts) {
    this.#parts = parts;
  }

  /** Compares with the journal at once, also when there is nothing to sign: people must be told. */
  start(): void {
    this.#isRunning = true;
    void this.#compareUntilDone();
  }

  stop(): void {
    this.#isRunning = false;
    this.#cancel?.();
  }

  async #compareUntilDone(): Promise<void> {
    const { timers, log } = this.#parts;
    try {
      await this.#lost();
    } catch (error) {
      if (!(error instanceof Fault) && !(error instanceof Refused)) {
        log.error({ err: error }, 'a bug stopped the comparison of journal and log');
        return;
      }
      log.warn(
        { code: error.code },
        'the journal could not be compared with the log; trying again',
      );
      if (this.#isRunning)
        this.#cancel = timers.after(RETRY_MS, () => void this.#compareUntilDone());
    }
  }

  /** Offset in control from which a loss is known; -1 when nothing is lost. */
  async #lost(): Promise<number> {
    this.#lostAt ??= this.#compareJournal();
    try {
      return await this.#lostAt;
    } catch (error) {
      this.#lostAt = undefined;
      throw error;
    }
  }

  /**
   * Compares once per process, and again after a failure.
   *
   * @param lane where something is to be signed.
   * @throws Fault `log_restored`, `outflows_not_scanned` or `outflow_unlogged`, retryable.
   */
  async check(network: string, lane: LaneState): Promise<void> {
    const lostAt = await this.#lost();
    // From its mark on, the loss stops everything by itself, until a person has accepted it.
    if (lane.through < lostAt) throw refusal('log_restored', 'records of this log were lost');
    const agrees = this.#chainAgrees.get(network) ?? this.#compareChain(network);
    this.#chainAgrees.set(network, agrees);
    await agrees.catch((error: unknown) => {
      this.#chainAgrees.delete(network);
      throw error;
    });
  }

  async #compareJournal(): Promise<number> {
    const { host, journal, key } = this.#parts;
    // Read before the log is: what is fixed meanwhile is in the log first.
    const known = [...journal.known()];
    await host.caughtUpWithAll();
    let asked = 0;
    const missing = await lostOf(known, host.lanes.length, async (it) => {
      asked += 1;
      if (asked % LOOKED_FOR_AT_ONCE === 0) await this.#turn();
      return this.#isHeld(it);
    });
    if (missing.length === 0) return -1;
    const names = missing.map((it) => `${it.paymentId}/${it.authorizationDigest}`).sort();
    const digest = digestOf('countersign/restore/1', names);
    if (host.control.restores.has(digest)) return host.control.offset;
    const statement = { digest, missing: missing.length, wallets: this.#walletsOf(missing) };
    const data = await signStatement(key, 'restore.detected', statement, digest);
    const back = await host.appendControl('restore.detected', data, { cause: digest });
    return back.position.offset;
  }

  #turn(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#parts.timers.after(0, resolve);
    return promise;
  }

  async #isHeld({ paymentId, authorizationDigest }: Known): Promise<boolean> {
    const { host } = this.#parts;
    const payment = host.payment(paymentId);
    const fixed = payment && fixedOf(payment);
    if (!fixed) return false;
    const { renews, renewals } = fixed;
    if (authorizationDigest === fixed.authorizationDigest) return true;
    if (renewals === 0 || authorizationDigest === renews) return authorizationDigest === renews;
    // Renewed by others since this signer signed it: only the records say what came before.
    const text = `"renews":"${authorizationDigest}"`;
    const records = await host.recordsOf(paymentId);
    return records.some(({ bytes }) => new TextDecoder().decode(bytes).includes(text));
  }

  #walletsOf(missing: readonly Known[]) {
    const names = new Set(missing.map((it) => it.wallet));
    return [...this.#parts.host.control.tenants].flatMap(([tenant, view]) =>
      [...view.wallets.keys()]
        .filter((wallet) => names.has(walletKeyName(tenant, wallet)))
        .map((wallet) => ({ tenant, wallet })),
    );
  }

  /** Everything that left a wallet since the recorded position is in the log, or has frozen its wallet. */
  async #compareChain(network: string): Promise<void> {
    const { host, chains } = this.#parts;
    const position = host.control.scanned.get(network);
    const chain = chains.get(network);
    if (!chain || !position)
      throw refusal('outflows_not_scanned', `outflows on ${network} are not watched yet`);
    const wallets = new Map(
      [...host.control.tenants.values()].flatMap((view) =>
        [...view.wallets.values()].map(
          (it) => [it.address, view.walletFreezes.get(it.id)] as const,
        ),
      ),
    );
    const { at, outflows } = await chain.outflows({
      tokens: assetsOn(network).map((asset) => asset.address),
      wallets: [...wallets.keys()],
      fromBlock: position.number + 1,
      tag: 'latest',
    });
    // Nobody can have looked at blocks that are not there yet.
    if (at.number < position.number)
      throw refusal('outflows_not_scanned', `${network} ends before what was looked at`);
    if (outflows.length > 0) await host.caughtUpWithAll();
    for (const outflow of outflows) {
      const payment = outflow.nonce === null ? undefined : host.paymentOfNonce(outflow.nonce);
      const isLogged = unloggedBecause(network, outflow, payment) === undefined;
      const hasFrozen = wallets.get(outflow.from)?.causes.has(outflowKey({ network, ...outflow }));
      if (!isLogged && !hasFrozen)
        throw refusal('outflow_unlogged', `money left ${outflow.from}, and no record says why`);
    }
  }
}

function refusal(code: string, message: string): Fault {
  return new Fault(code, message, { retryable: true });
}
